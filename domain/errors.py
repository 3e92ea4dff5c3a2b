"""Everything that can go wrong, as one tree; errors are data beside the data before they are exceptions.

CrossdockError
├── BadInput              BAD_USER_INPUT        the caller's arguments cannot be used
├── Unauthenticated       UNAUTHENTICATED       no valid bearer token
├── Forbidden             FORBIDDEN_FIELD       a field needs a scope the caller lacks
├── Forged                UNAUTHENTICATED       a delivery nobody we know vouches for
└── SourceError           (names its source)
    ├── SourceUnavailable SOURCE_UNAVAILABLE    refused, unreachable, overloaded, or its breaker is open
    ├── SourceTimeout     SOURCE_TIMEOUT        did not answer within its total deadline
    ├── SourceFault       SOURCE_FAULT          answered with a fault, or with something that is not what its contract
    │   │                                           says
    │   └── UnknownTopic  SOURCE_FAULT          sent a kind of message that nobody here reads
    └── StaleData         STALE_DATA            an older answer was served in place of a live one (``cause`` tells why)
"""


class CrossdockError(Exception):
    """``public`` is fit for a client; ``detail`` is for the log only."""

    code = "INTERNAL"

    def __init__(self, public: str, *, detail: str | None = None) -> None:
        super().__init__(detail or public)
        self.public = public
        self.detail = detail


class BadInput(CrossdockError):
    """The caller's arguments cannot be used; ``public`` says which and why."""

    code = "BAD_USER_INPUT"


class Unauthenticated(CrossdockError):
    """No bearer token, or one that does not verify."""

    code = "UNAUTHENTICATED"


class Forbidden(CrossdockError):
    """A field asks for a scope the caller lacks."""

    code = "FORBIDDEN_FIELD"


class Forged(CrossdockError):
    """A delivery's signature is missing or wrong, or it was signed too long ago or in the future. ``detail`` says
    which, and repeats nothing secret.
    """

    code = "UNAUTHENTICATED"

    def __init__(self, detail: str) -> None:
        super().__init__("The delivery's signature does not verify.", detail=detail)


class SourceError(CrossdockError):
    """One source system failed for one key or one call. ``source`` is the configured name of the source ("erp", "wms",
    "ups").
    """

    sentence = "{source} failed."

    def __init__(self, source: str, detail: str) -> None:
        super().__init__(self.sentence.format(source=source), detail=detail)
        self.source = source


class SourceUnavailable(SourceError):
    """Refused, unreachable, overloaded (429, 503, concurrency fault) or its breaker is open. ``retry_after`` in
    seconds, if the source said.
    """

    code = "SOURCE_UNAVAILABLE"
    sentence = "The source system {source} is unavailable."

    def __init__(self, source: str, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(source, detail)
        self.retry_after = retry_after


class SourceTimeout(SourceError):
    """No complete answer within the total deadline, drip-fed bodies included."""

    code = "SOURCE_TIMEOUT"
    sentence = "The source system {source} did not answer in time."


class SourceFault(SourceError):
    """A fault, or an answer that breaks the source's contract (malformed, missing a required value, unparsable, too
    large).
    """

    code = "SOURCE_FAULT"
    sentence = "The source system {source} answered with an error."


class UnknownTopic(SourceFault):
    """A source sent a kind of message that nobody here reads."""

    def __init__(self, source: str, topic: str) -> None:
        super().__init__(source, f"nobody here reads {topic[:100]!r}")


class StaleData(SourceError):
    """An older answer was served because the live read failed with ``cause``."""

    code = "STALE_DATA"
    sentence = "The source system {source} could not be read; an older answer is shown."

    def __init__(self, source: str, cause: SourceError) -> None:
        super().__init__(source, f"served stale: {cause}")
        self.cause = cause
