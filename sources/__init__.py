"""The outside world: the systems a distributor already runs, each behind a port."""
