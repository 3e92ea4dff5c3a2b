"""Things to run beside Crossdock: a simulated distributor and example queries."""
