"""Writes the first version of an adapter from what a system says of itself: a WSDL or an OpenAPI document."""
