"""FedEx Track v1."""
