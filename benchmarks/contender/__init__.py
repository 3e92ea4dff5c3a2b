"""Crossdock on the shared benchmark's upstream: its own adapters under our schema, estate and server."""
