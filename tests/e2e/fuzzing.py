"""Requests that nobody would send: endless, the same again for the same seed, and asked of a real server."""

import asyncio
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

QUERIES = Path(__file__).parents[2] / "examples" / "queries"
SCHEMA = Path(__file__).parents[2] / "schema.graphql"
TOKEN = re.compile(r'"[^"\n]*"|\.\.\.|[$@]?\w+|[^\s\w]')
WORDS = sorted(set(re.findall(r"\w+", SCHEMA.read_text())))
EXAMPLES: Sequence[dict[str, Any]] = [
    {"query": file.read_text(), "variables": orjson.loads(file.with_suffix(".json").read_bytes())}
    for file in sorted(QUERIES.glob("*.graphql"))
]
GARBAGE = ("{", "}", "(", ")", "...", "!", "[", "]", "$", "@", ":", "=", "|", "on", "null", "true", '""', '"""', "-1")
ODD_TEXTS = ("", "\0", "é", "\u202e", "x" * 5_000, "' OR 1=1 --", "\r\nset-cookie: a=b", "${jndi:ldap://x}", "0" * 400)
ODD_BYTES = (b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\0", b"\xef\xbb\xbf", b'"', b"{", b"]")
HEADERS: Mapping[str, Sequence[str]] = {
    "accept": ("application/json", "application/graphql-response+json", "*/*", "text/html", "a/b;q=x", ",;,", "\x7f"),
    "content-type": ("application/json", "text/plain", "application/json;charset=utf-16", "", "a" * 3_000, "x/y;;;="),
    "content-encoding": ("gzip", "identity", "br, gzip", "x"),
    "accept-encoding": ("gzip", "zstd", "gzip;q=x", "*;q=0", ",,,", "é"),
    "origin": ("null", "http://[", "https://evil.example", "é"),
    "x-correlation-id": ("a" * 65, "a b", "<script>", "é", ""),
    "x-cost-dry-run": ("true", "false", "1", "TRUE", ""),
    "if-none-match": ("*", '"a"', "W/", ",", '"' * 50),
    "last-event-id": ("x", "é", "", "A" * 9_000),
    "authorization": ("Bearer", "Bearer x.y.z", "Basic eDp4", "Bearer " + "a" * 4_000, "é", ""),
    "transfer-encoding": ("chunked", "gzip, chunked", "x"),
    "expect": ("100-continue", "x"),
}


@dataclass(frozen=True, slots=True)
class Request:
    shape: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def requests(seed: int) -> Iterator[Request]:
    chance = random.Random(seed)
    while True:
        shape = chance.choice(tuple(SHAPES))
        yield SHAPES[shape](shape, chance)


def _json(chance: random.Random, depth: int = 3) -> Any:
    """Any JSON value."""
    kind = chance.randrange(9 if depth else 7)
    if kind == 7:
        return [_json(chance, depth - 1) for _ in range(chance.randrange(4))]
    if kind == 8:
        return {chance.choice(WORDS): _json(chance, depth - 1) for _ in range(chance.randrange(4))}
    return (
        (None, chance.random() < 0.5, chance.randrange(-(2**63), 2**64), chance.uniform(-1e308, 1e308), 0)[kind]
        if kind < 5
        else chance.choice((*ODD_TEXTS, *WORDS))
    )


def _bytes(shape: str, chance: random.Random) -> Request:
    """A good body, damaged."""
    body = bytearray(orjson.dumps(chance.choice(EXAMPLES)))
    for _ in range(chance.randrange(1, 8)):
        at = chance.randrange(len(body) + 1)
        match chance.randrange(4):
            case 0:
                body[at : at + 1] = bytes((chance.randrange(256),))
            case 1:
                body[at : at + chance.randrange(40)] = b""
            case 2:
                body[at:at] = chance.choice(ODD_BYTES)
            case _:
                body[at:at] = body[at : at + chance.randrange(40)]
    return Request(shape, bytes(body))


def _document(shape: str, chance: random.Random) -> Request:
    """The words of a good document, some lost, doubled, or put where they do not belong."""
    example = chance.choice(EXAMPLES)
    tokens = TOKEN.findall(re.sub("#.*", "", example["query"]))
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(tokens))
        match chance.randrange(4):
            case 0:
                tokens[at] = chance.choice(WORDS)
            case 1:
                del tokens[at : at + chance.randrange(1, 4)]
            case 2:
                tokens.insert(at, chance.choice(GARBAGE))
            case _:
                tokens[at:at] = tokens[at : at + chance.randrange(1, 12)]
        tokens = tokens or ["{"]
    return Request(shape, orjson.dumps(example | {"query": " ".join(tokens)}))


def _variables(shape: str, chance: random.Random) -> Request:
    """A good document with variables of any shape."""
    example = chance.choice(EXAMPLES)
    given: dict[str, Any] = {name: _json(chance) for name in example["variables"]}
    if chance.random() < 0.3:
        given[chance.choice(WORDS)] = _json(chance)
    return Request(shape, orjson.dumps(example | {"variables": given}))


def _parameters(shape: str, chance: random.Random) -> Request:
    """Good and bad values under the names that a request has, and others."""
    names = ("query", "variables", "operationName", "extensions", "documentId", chance.choice(WORDS))
    given = {name: _json(chance) for name in names if chance.random() < 0.6}
    if chance.random() < 0.5:
        given = {**chance.choice(EXAMPLES), **given}
    return Request(shape, orjson.dumps(given if chance.random() < 0.9 else [given]))


def _deep(shape: str, chance: random.Random) -> Request:
    depth = chance.choice((10, 100, 1_000, 10_000, 200_000))
    opening, closing = chance.choice((("[", "]"), ('{"a":', "}"), ("{a", "}"), ("{a(b:[", "])}"), ("(", ")")))
    nested = opening * depth + "1" + (closing * depth if chance.random() < 0.5 else "")
    where = chance.choice(('{"query":"%s"}', '{"query":"{viewer{kind}}","variables":{"a":%s}}', "%s"))
    return Request(shape, (where % (nested.replace('"', '\\"') if "query" in where[:12] else nested)).encode()[: 2**20])


def _number(shape: str, chance: random.Random) -> Request:
    digits = chance.choice("123456789") + "0" * chance.choice((5, 18, 19, 20, 308, 400, 5_000, 50_000))
    number = chance.choice(("%s", "-%s", "%se9", "0.%s", "%s.5", "1e%s")) % digits
    text = "query ($first: Int) { orders(first: $first) { nodes { id } } }"
    bodies = ('{"query":"{ orders(first: %s) { nodes { id } } }"}', f'{{"query":"{text}","variables":{{"first":%s}}}}')
    return Request(shape, (chance.choice(bodies) % number).encode())


def _text(shape: str, chance: random.Random) -> Request:
    """Odd text where a name, a number or a cursor is expected."""
    odd = chance.choice(ODD_TEXTS)
    documents = (
        "query ($x: String) { order(number: $x) { number } }",
        "query ($x: String) { orders(after: $x) { nodes { number } } }",
        "query ($x: String!) { search(text: $x) { nodes { __typename } } }",
        "query ($x: ID!) { node(id: $x) { id } }",
        "query ($x: DateTime) { orders(filter: {placedAfter: $x}) { nodes { number } } }",
        "query ($x: String) { orders(filter: {sku: $x, poNumber: $x}) { nodes { number } } }",
    )
    return Request(shape, orjson.dumps({"query": chance.choice(documents), "variables": {"x": odd}}))


def _headers(shape: str, chance: random.Random) -> Request:
    names = chance.sample(tuple(HEADERS), chance.randrange(1, 4))
    given = {name: chance.choice(HEADERS[name]) for name in names}
    return Request(shape, orjson.dumps(chance.choice(EXAMPLES)), given)


SHAPES = {
    "bytes": _bytes,
    "documents": _document,
    "variables": _variables,
    "parameters": _parameters,
    "depth": _deep,
    "numbers": _number,
    "texts": _text,
    "headers": _headers,
}


@dataclass
class Verdict:
    """``failures``: requests that were answered as if we were at fault, with the answer's beginning."""

    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[tuple[Request, bytes]] = field(default_factory=list)

    def __str__(self) -> str:
        told = ", ".join(f"{status}: {count:,}" for status, count in sorted(self.statuses.items()))
        return f"{len(self.failures)} of {self.statuses.total():,} requests failed ({told})"


async def fuzz(address: str, token: str, count: int, *, seed: int, callers: int = 8) -> Verdict:
    """Asks ``count`` requests, so many at a time."""
    verdict, source = Verdict(), requests(seed)
    left = iter(range(count))

    async def caller() -> None:
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        for _ in left:
            request = next(source)
            connection = connection or await _connected(address)
            status, body, stays = await _ask(*connection, request, token)
            verdict.statuses[status] += 1
            if status >= 500 or b'"INTERNAL"' in body:
                verdict.failures.append((request, body[:500]))
            if not stays:
                connection[1].close()
                connection = None
        if connection:
            connection[1].close()

    await asyncio.gather(*(caller() for _ in range(callers)))
    return verdict


async def _connected(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(address)
    return await asyncio.open_connection(parts.hostname, parts.port)


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request, token: str
) -> tuple[int, bytes, bool]:
    """The status, the body, and whether the connection can be used again. 0: hung up on without a word."""
    headers = {
        "host": "127.0.0.1",
        "authorization": f"Bearer {token}",
        "content-type": "application/json",
        "content-length": str(len(request.body)),
        **request.headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    try:
        async with asyncio.timeout(60):
            writer.write(b"POST /graphql HTTP/1.1\r\n" + head.encode("utf-8") + b"\r\n" + request.body)
            status, told = await _head(reader)
            if status == 100:
                status, told = await _head(reader)
            length = int(told.get("content-length", "-1"))
            body = await (reader.readexactly(length) if length >= 0 else reader.read(4_096))
    except (asyncio.IncompleteReadError, ConnectionError):
        return 0, b"", False
    stays = length >= 0 and told.get("connection") != "close" and not {"transfer-encoding", "expect"} & headers.keys()
    return status, body, stays


async def _head(reader: asyncio.StreamReader) -> tuple[int, Mapping[str, str]]:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = (line.partition(":") for line in lines if line)
    return int(first.split(" ")[1]), {name.lower(): value.strip() for name, _, value in fields}
