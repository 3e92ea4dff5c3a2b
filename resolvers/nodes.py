"""Global ids: one opaque name for any object, and the one scoped way from it back to the object."""

import base64
import binascii

from domain.errors import BadInput


def encode(kind: str, local: str) -> str:
    """The global id of ``local`` among objects of ``kind``; URL-safe, opaque to clients."""
    return base64.urlsafe_b64encode(f"{kind}:{local}".encode()).decode().rstrip("=")


def decode(global_id: str) -> tuple[str, str] | None:
    """(kind, local id), or None when it is not an id that we could have made."""
    try:
        padded = global_id.encode("ascii") + b"=" * (-len(global_id) % 4)
        kind, colon, local = base64.b64decode(padded, altchars=b"-_", validate=True).decode().partition(":")
    except (UnicodeError, binascii.Error):
        return None
    return (kind, local) if colon and local else None


def local_id(kind: str, global_id: str) -> str | None:
    """The local id when ``global_id`` names an object of ``kind``; None otherwise, like an id of nothing."""
    found = decode(global_id)
    return found[1] if found and found[0] == kind else None


def exactly_one(**given: str | None) -> tuple[str, str]:
    """The one argument that was given, by name; BadInput when none or several were."""
    present = [(name, value) for name, value in given.items() if value is not None]
    if len(present) != 1:
        raise BadInput(f"Give exactly one of {', '.join(given)}.")
    return present[0]
