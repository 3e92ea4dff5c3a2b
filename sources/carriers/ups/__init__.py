"""UPS Track v1."""
