"""How a field of the graph gets its value, in domain objects."""
