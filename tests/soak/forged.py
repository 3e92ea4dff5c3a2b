"""Tokens nobody signed, for whoever must be made to look for their keys."""

import base64
import json


def forged(issuer: str, trap: str) -> str:
    """A token that says where its key is."""
    header = {"alg": "RS256", "typ": "JWT", "kid": f"{trap}/kid", "jku": f"{trap}/jku", "x5u": f"{trap}/x5u"}
    parts = (json.dumps(part).encode() for part in (header, {"iss": issuer, "aud": "crossdock", "sub": "a"}))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (*parts, b"0" * 256))
