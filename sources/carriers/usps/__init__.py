"""USPS Tracking v3."""
