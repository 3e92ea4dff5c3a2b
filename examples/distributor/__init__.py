"""A simulated distributor: its ERP, warehouse, carriers and identity provider, each a process on real wire formats."""
