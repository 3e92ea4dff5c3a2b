"""What we remember: the inbox of raw deliveries, the read model folded from it, and what changed, in one database."""
