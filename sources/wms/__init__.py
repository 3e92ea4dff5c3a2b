"""The warehouse system: a REST service that answers many orders in one call."""
