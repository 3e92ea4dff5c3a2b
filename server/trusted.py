"""Persisted documents: those that clients may name instead of sending them, and, as a safelist, the only ones run.

Requests name them as https://graphql.github.io/graphql-over-http/draft/ has it (appendix A), or as Apollo's clients do.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from domain.access import Principal
from engine.execute import Engine
from server.environment import Misconfigured, Problem
from server.graphql_request import GraphQLRequest, Refused

SETTING = "CROSSDOCK_PERSISTED"
APOLLO = "apollo-persisted-query-manifest"
NAMED = re.compile(r"\b(?:query|mutation|subscription)\s+(\w+)")

FORMATS = (
    "give a folder of .graphql files, or a manifest: a JSON object of documents by their hashes, or "
    "Apollo's apollo-persisted-query-manifest"
)


@dataclass(frozen=True, slots=True)
class Document:
    """``id``: what the file calls it."""

    file: Path
    id: str
    text: str

    @property
    def ids(self) -> Sequence[str]:
        """All that a request may call it."""
        digest = hashlib.sha256(self.text.encode()).hexdigest()
        return self.id, digest, f"sha256:{digest}"

    def __str__(self) -> str:
        named = NAMED.search(self.text)
        return f"{self.file}, {named[1] if named else self.id}"


class Trusted:
    """Which documents may be asked for. ``safelist``: whether no others are: "off", "on", or the scope of those who may
    ask for any; ``by_get``: "any", or only those "persisted".
    """

    def __init__(self, documents: Sequence[Document] = (), *, safelist: str = "off", by_get: str = "any") -> None:
        self._texts: Mapping[str, str] = {name: each.text for each in documents for name in each.ids}
        self._known = frozenset(self._texts.values())
        self._safelist = safelist
        self._by_get = by_get

    def text(self, request: GraphQLRequest, principal: Principal) -> str | None:
        """The document that is meant; None: it is named, but not known. Raises Refused for what may not be asked."""
        known = None if request.document_id is None else self._texts.get(request.document_id)
        if known is not None and request.query not in (None, known):
            raise Refused(400, "The document is not the one that its identifier names.")
        text = request.query if known is None else known
        if text is not None and text not in self._known:
            self._check(request, principal)
        return text

    def _check(self, request: GraphQLRequest, principal: Principal) -> None:
        """Of a document that is not persisted."""
        if self._safelist != "off" and not principal.may(self._safelist):
            raise Refused(403, "Only persisted documents are run here.", code="PERSISTED_QUERY_NOT_FOUND")
        if request.by_get and self._by_get != "any":
            raise Refused(405, "By GET only persisted documents are asked for.", headers={"allow": "POST"})


def read(path: Path | None) -> Sequence[Document]:
    """The documents that a folder or a manifest holds. Raises Misconfigured."""
    if path is None:
        return ()
    files = sorted(path.glob("*.graphql")) if path.is_dir() else [path]
    found = [each for file in files for each in (_document(file) if path.is_dir() else _manifest(file))]
    if not found:
        raise _wrong(path, f"holds no document; {FORMATS}")
    return found


def warm(engine: Engine, documents: Sequence[Document]) -> None:
    """Makes the engine ready for them. Raises Misconfigured with every mistake in any."""
    problems = [problem for each in documents for problem in _mistakes(engine, each)]
    if problems:
        raise Misconfigured(problems)


def _mistakes(engine: Engine, document: Document) -> Iterator[Problem]:
    prepared = engine.warm(document.text)
    for error in prepared if isinstance(prepared, list) else ():
        place = f" at {error.locations[0].line}:{error.locations[0].column}" if error.locations else ""
        yield Problem(SETTING, f"{document}{place}: {error.message} Mend the document, or leave it out.")


def _document(file: Path) -> Iterator[Document]:
    yield Document(file, file.stem, _text(file))


def _manifest(file: Path) -> Iterator[Document]:
    try:
        told = orjson.loads(_text(file))
    except orjson.JSONDecodeError as error:
        raise _wrong(file, f"is not JSON ({error}); {FORMATS}") from None
    if isinstance(told, dict) and told.get("format") == APOLLO:
        told = {each.get("id"): each.get("body") for each in told.get("operations") or () if isinstance(each, dict)}
    if not isinstance(told, dict) or not all(isinstance(each, str) for pair in told.items() for each in pair):
        raise _wrong(file, f"is no manifest that we know; {FORMATS}")
    for id_, text in told.items():
        yield Document(file, id_, text)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise _wrong(file, f"cannot be read ({error.strerror}); {FORMATS}") from None
    except ValueError:
        raise _wrong(file, "is not UTF-8 text; write it anew") from None


def _wrong(file: Path, says: str) -> Misconfigured:
    return Misconfigured([Problem(SETTING, f"{file} {says}")])
