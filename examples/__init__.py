"""A simulated distributor and the clients that query it."""
