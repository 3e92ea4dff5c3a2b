"""A simulated distributor: its ERP, warehouse, carriers and identity provider as separate processes on real wire formats."""
