"""What an order is: the canonical model and its rules, in the standard library only."""
