"""Log lines: JSON, one to a line, at most 1 KB, without tokens or personal data whatever was logged."""

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, BinaryIO

import orjson
import structlog

LINE = 1024
"""Bytes of a line, its end included."""

TEXT, EVENT, FRAMES = 256, 120, 4
CORE = frozenset(("timestamp", "level", "event", "logger", "correlation_id"))
"""What a line that is too long keeps."""

HIDDEN = "[hidden]"
PRIVATE = re.compile(
    r"""
      eyJ[\w-]{8,}(?:\.[\w-]*){0,4}                             # a JSON web token
    | (?i:bearer|basic)\s+[\w.~+/=-]{16,}                       # a credential in a header
    | (?i:password)(?:\s[^<>]*)?>[^<]+                          # a WS-Security password
    | (?i:\b\w*(?:password|secret|token|api_?key)\w*)["']?\s*[=:]\s*["']?[^\s"'&<>,;})]+
    | [\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+                              # an e-mail address
    """,
    re.VERBOSE,
)

Line = MutableMapping[str, Any]


def configure(level: str, out: BinaryIO | None = None) -> None:
    """Sends every log of the process, libraries' included, to ``out`` (default: standard error) as safe lines."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _tell_exception,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(out or sys.stderr.buffer),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Bridge()], level=max(number, logging.WARNING), force=True)


class _Bridge(logging.Handler):
    """Hands the standard library's log records on."""

    def emit(self, record: logging.LogRecord) -> None:
        log, message = structlog.get_logger(), record.getMessage()
        if message.startswith("Traceback"):  # uvicorn's way of telling why it cannot start
            message = message.strip().rpartition("\n")[2]
        log.log(record.levelno, message, logger=record.name, exc_info=record.exc_info)


def render(_logger: object, _method: str, line: Line) -> bytes:
    """The line as JSON of at most ``LINE`` bytes, made safe."""
    safe = {key: _safe(value, EVENT if key in CORE else TEXT) for key, value in line.items()}
    rendered = orjson.dumps(safe)
    while len(rendered) >= LINE:
        optional = safe.keys() - CORE - {"cut"}
        safe.pop(max(optional, key=lambda key: len(orjson.dumps(safe[key]))))
        rendered = orjson.dumps(safe | {"cut": True})
    return rendered


def _safe(value: Any, longest: int) -> Any:
    if value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 2**53):
        return value
    text = str(value)[: 4 * TEXT]
    if not text.isalnum() or "eyJ" in text:  # everything private but a token's beginning holds a sign
        text = PRIVATE.sub(HIDDEN, text)
    text = text[:longest]
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(letter: str) -> str:
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")


def _tell_exception(_logger: object, _method: str, line: Line) -> Line:
    """An exception as its type, its text and the last places it came through."""
    given = line.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
        line["error"] = f"{type(error).__name__}: {error}"
        line["at"] = " < ".join(f"{_module(frame)}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    return line


def _module(frame: traceback.FrameSummary) -> str:
    return "/".join(frame.filename.split("/")[-2:])
