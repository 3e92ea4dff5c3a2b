"""How the tables of memory came to be, step by step."""
