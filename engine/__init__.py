"""Executes GraphQL: parsing, validation, field guards and the answer's shape. Knows nothing of orders."""
