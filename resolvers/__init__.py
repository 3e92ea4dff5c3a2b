"""How a field gets its value: scoped reads of the estate, answered as domain objects."""
