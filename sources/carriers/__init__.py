"""The carriers, each in its vendor's own wire format; how they are asked and how their word is told is shared."""
