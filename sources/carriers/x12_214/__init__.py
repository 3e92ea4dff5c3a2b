"""X12 214 shipment status messages, from a mailbox, for own fleet and LTL."""
