"""What changes our memory: deliveries stored raw before anybody reads them, then folded; all else enters likewise."""
