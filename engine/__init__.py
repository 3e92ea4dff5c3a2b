"""How a GraphQL query runs; knows no orders."""
