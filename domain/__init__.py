"""What an order is, in nothing but the standard library."""
