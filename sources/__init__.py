"""The outside world: every system a distributor runs, behind a port that speaks the domain."""
