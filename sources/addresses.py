"""Where a source may be asked, and with which headers: nothing leaves for an origin that was not configured."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import SplitResult, quote, urlsplit

PORTS = {"http": 80, "https": 443}
CONTROL = re.compile(r"[\x00-\x20\x7f\\]")
DOT_SEGMENT = re.compile(r"[^?]*/(?:\.|%2e){1,2}(?:[/?#]|$)", re.IGNORECASE)
UNRESERVED = re.compile(r"[A-Za-z0-9._~-]*")
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")

Params = Mapping[str, str] | Sequence[tuple[str, str]]


class NotAllowed(ValueError):
    """An address outside the source's origins, or an address or header that cannot be sent as it is."""


class Addresses:
    """The addresses of one source: those under ``url``, and absolute ones on the origin of ``url`` or of ``others``."""

    def __init__(self, url: str, *others: str) -> None:
        self._base = url.rstrip("/")
        self._origins = {_origin(parts): f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, (url, *others))}

    def resolve(self, path: str, params: Params | None = None) -> str:
        """The address to ask. ``path`` is relative to the source's url, or absolute; raises ``NotAllowed``.

        An absolute address is rebuilt on the origin as configured, so that no other parser can read another host in it.
        """
        if path.startswith(("http://", "https://")):
            address = self._rebuilt(path)
        else:
            address = self._base + (path if path.startswith(("/", "?")) or not path else f"/{path}")
        if CONTROL.search(address):
            raise NotAllowed("an address with control characters, spaces or backslashes")
        if DOT_SEGMENT.match(address):
            raise NotAllowed("an address with dot segments")
        if params:
            pairs = params.items() if isinstance(params, Mapping) else params
            address += ("&" if "?" in address else "?") + "&".join(f"{_quoted(n)}={_quoted(v)}" for n, v in pairs)
        return address

    def _rebuilt(self, address: str) -> str:
        try:
            parts = urlsplit(address)
            origin = self._origins.get(_origin(parts))
        except ValueError as error:
            raise NotAllowed("an address that is not a URL") from error
        if origin is None or "@" in parts.netloc:
            raise NotAllowed("an address on another origin")
        return origin + parts.path + (f"?{parts.query}" if parts.query else "")


def _quoted(text: str) -> str:
    return text if UNRESERVED.fullmatch(text) else quote(text, safe="")


def checked(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers, if no name or value could be read as the start of another; raises ``NotAllowed``."""
    for name, value in headers.items():
        if not (HEADER_NAME.fullmatch(name) and HEADER_VALUE.fullmatch(value)):
            raise NotAllowed(f"a header {name!a} that holds what no header may")
    return headers


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme)
