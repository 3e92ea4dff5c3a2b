"""Crossdock on the shared benchmark's upstream: its own adapters under our schema, estate and server."""

from domain.model import CustomerId

NO_ACCOUNT = CustomerId("")
"""Whose a shipment or an invoice is, this upstream does not say; so only who sees every account may list them."""
