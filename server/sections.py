"""The groups of settings: each setting with its type, its default, and the sentence that tells what to give."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from domain.access import PrincipalKind
from ingest.polling import Carrier, Quota
from sources.config import Lifetimes as EstateLifetimes
from sources.config import Limits as SourceLimits
from sources.config import SourceConfig
from sources.feeds import FeedConfig
from sources.signatures import SCHEMES

SHORTEST = 32
"""Characters of a secret that nobody shall guess."""

LOOPBACK = frozenset(("127.0.0.1", "::1", "localhost"))

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


def _words(value: object) -> object:
    """A list may be given as one value, its members separated by commas or spaces."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is not an http or https address")
    if parts.username or parts.password or parts.fragment:
        raise ValueError("must hold no user, password or fragment")
    return value


def _private_address(value: str) -> str:
    """Keys and secrets travel over TLS, except on this machine."""
    parts = urlsplit(_address(value))
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise ValueError("must be https")
    return value


def _origin(value: str) -> str:
    parts = urlsplit(_address(value))
    if parts.path or parts.query:
        raise ValueError("must be scheme, host and port only")
    return value.lower()


def _scheme(value: str) -> str:
    if value not in SCHEMES:
        raise ValueError("is no way to sign that we know")
    return value


def _claim_path(value: str) -> str:
    if not all(value.split(".")) or any(map(str.isspace, value)):
        raise ValueError("is not names separated by dots")
    return value


def _revocations(value: str) -> str:
    if "://" in value:
        return _private_address(value)
    if not Path(value).is_file():
        raise ValueError("is neither an address nor a file that is there")
    return value


def _long(value: SecretStr) -> SecretStr:
    """Several may be given while one takes over from another."""
    secrets = value.get_secret_value().split()
    if not secrets or min(map(len, secrets)) < SHORTEST:
        raise ValueError(f"is shorter than {SHORTEST} characters")
    return value


Address = Annotated[str, AfterValidator(_address)]
PrivateAddress = Annotated[str, AfterValidator(_private_address)]
Origins = Annotated[frozenset[Annotated[str, AfterValidator(_origin)]], BeforeValidator(_words)]
Words = Annotated[frozenset[str], BeforeValidator(_words)]
ClaimPath = Annotated[str, AfterValidator(_claim_path)]
Revocations = Annotated[str, AfterValidator(_revocations)]
Secrets = Annotated[SecretStr, AfterValidator(_long)]
Algorithms = Annotated[frozenset[Algorithm], BeforeValidator(_words), Field(min_length=1)]


class Section(BaseModel):
    """A group of settings; what it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Claims(Section):
    """Which claim of a token holds what: its name, or the path to it, such as realm_access.roles."""

    kind: ClaimPath = Field(
        "crossdock_kind",
        description="the claim that holds the kind of caller, or the list of roles among which KINDS finds it",
    )
    account: ClaimPath = Field("crossdock_account", description="the claim that holds a portal user's account number")
    ship_tos: ClaimPath = Field(
        "crossdock_ship_tos", description="the claim that lists a portal user's ship-tos; none: all of the account's"
    )
    territories: ClaimPath = Field(
        "crossdock_territories", description="the claim that lists a sales rep's territories"
    )
    subsidiaries: ClaimPath = Field(
        "crossdock_subsidiaries",
        description="the claim that lists the subsidiaries whose accounts the caller may see, whatever its kind; none:"
        " all, an empty list: no account",
    )
    scope: ClaimPath = Field("scope", description="the claim that holds the scopes, as one string or a list")
    name: ClaimPath = Field("name", description="the claim that holds the name to show")


class Issuer(Section):
    """An identity provider whose tokens are trusted."""

    issuer: PrivateAddress = Field(description="the identity provider's issuer, exactly as its tokens state it in iss")
    audience: str = Field(min_length=1, description="the audience tokens for Crossdock state in aud")
    jwks_url: PrivateAddress | None = Field(
        None, description="the address of its JWK set; unset: discovered from the issuer"
    )
    algorithms: Algorithms = Field(
        frozenset(("RS256", "ES256")), description=f"signature algorithms to accept, of {' '.join(get_args(Algorithm))}"
    )
    access_tokens_only: bool = Field(
        False, description="whether its tokens must state typ at+jwt (RFC 9068), as not every provider's do"
    )
    clients: Words = Field(
        frozenset(), description="the clients its tokens may be issued to, by azp or client_id; none: any"
    )
    revocations: Revocations | None = Field(
        None, description="the https address, or the file, of its list of revoked tokens; unset: none is revoked"
    )
    leeway: float = Field(30, ge=0, le=60, description="seconds its clock may differ from ours, 60 at most")
    max_lifetime: float = Field(86_400, gt=0, description="seconds between iat and exp above which a token is refused")
    claims: Claims = Claims()
    kinds: dict[str, PrincipalKind] = Field(
        {}, description=f"its words for the kinds of caller ({' '.join(PrincipalKind)}), where they differ"
    )
    default_kind: PrincipalKind | None = Field(
        None, description="the kind of a caller whose token states none; unset: refused"
    )


class Demo(Section):
    """The simulated company's identity provider, from which `crossdock demo` hands out tokens to anybody."""

    token_url: PrivateAddress = Field(description="the token endpoint of the demo's identity provider")
    secret: SecretStr = Field(description="the secret every persona shares")
    personas: dict[str, str] = Field(min_length=1, description="each persona's name and a sentence about it")
    clock_url: Address | None = Field(
        None, description="where the simulated company's clock is read, which ours follows"
    )


DEFAULT_LIMITS = SourceLimits()


class Limits(Section):
    """How much one source may cost us and we may cost it."""

    deadline: float = Field(
        DEFAULT_LIMITS.deadline, gt=0, le=60, description="seconds a whole call may take, retries included"
    )
    connect_timeout: float = Field(DEFAULT_LIMITS.connect_timeout, gt=0, description="seconds to wait for a connection")
    max_body: int = Field(DEFAULT_LIMITS.max_body, gt=0, description="bytes an answer may have, decompressed")
    concurrency: int = Field(
        DEFAULT_LIMITS.concurrency, gt=0, description="calls at once; what its account allows, less what others use"
    )
    attempts: int = Field(DEFAULT_LIMITS.attempts, gt=0, description="times a call that may be repeated is tried")
    retry_budget: float = Field(
        DEFAULT_LIMITS.retry_budget, ge=0, le=1, description="share of calls that may be retries"
    )
    breaker_failures: int = Field(
        DEFAULT_LIMITS.breaker_failures, gt=0, description="failures in a row that open its breaker"
    )
    breaker_cooldown: float = Field(
        DEFAULT_LIMITS.breaker_cooldown, gt=0, description="seconds an open breaker waits before it tries again"
    )
    document: int = Field(DEFAULT_LIMITS.document, gt=0, description="bytes a document fetched from it may have")
    document_deadline: float = Field(
        DEFAULT_LIMITS.document_deadline, gt=0, description="seconds a document may take to arrive whole"
    )
    document_pause: float = Field(
        DEFAULT_LIMITS.document_pause, gt=0, description="seconds to wait for a document's next bytes"
    )


class CarrierLimits(Limits):
    """A carrier's answers are small."""

    max_body: int = Field(2 * 1024 * 1024, gt=0, description="bytes an answer of a carrier's may have, decompressed")


class Source(Section):
    """A source system: where it is, who we are there, and its limits."""

    kind: str = Field(description="the kind of system, which picks the adapter")
    url: Address = Field(description="its address")
    username: str | None = Field(None, description="our user there")
    password: SecretStr | None = Field(None, description="our password there")
    client_id: str | None = Field(None, description="our OAuth 2.0 client id there")
    client_secret: SecretStr | None = Field(None, description="our OAuth 2.0 client secret there")
    token_url: Address | None = Field(None, description="the address of its OAuth 2.0 token endpoint")
    webhook_secret: SecretStr | None = Field(
        None,
        description="the secret its webhooks are signed with, or several separated by spaces while one takes over from"
        " another; unset: it may send us nothing",
    )
    webhook_scheme: Annotated[str, AfterValidator(_scheme)] | None = Field(
        None, description=f"how it signs its webhooks, one of {' '.join(SCHEMES)}; unset: as its kind does"
    )
    polls_per_hour: int | None = Field(
        None,
        ge=1,
        description="a carrier's: how many consignments it may be asked for in an hour; unset: as needed",
    )
    limits: Limits = Limits()

    def config(self, name: str, codes: Path | None = None) -> SourceConfig:
        """``codes``: the folder of all sources' own codes."""
        return SourceConfig(
            name,
            self.url,
            SourceLimits(**self.limits.model_dump()),
            username=self.username,
            password=_told(self.password),
            client_id=self.client_id,
            client_secret=_told(self.client_secret),
            token_url=self.token_url,
            codes=codes and codes / name,
        )

    def polled(self, name: str) -> Carrier:
        """As a carrier that is asked for its consignments again and again."""
        quota = (Quota(self.polls_per_hour, timedelta(hours=1)),) if self.polls_per_hour else ()
        return Carrier(name, pushes=self.webhook_secret is not None, quotas=quota)

    def feed(self, role: str, name: str, codes: Path | None = None) -> FeedConfig:
        secrets = (_told(self.webhook_secret) or "").split()
        return FeedConfig(role, self.kind, name, tuple(secrets), self.webhook_scheme, codes and codes / name)


class CarrierSource(Source):
    """A carrier: as any source, with smaller answers."""

    limits: CarrierLimits = CarrierLimits()


def _told(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


DEFAULT_LIFETIMES = EstateLifetimes()


class Lifetimes(Section):
    """For how many seconds what a source answered counts as fresh."""

    orders: float = Field(DEFAULT_LIFETIMES.orders, ge=0, description="seconds an order is fresh")
    customers: float = Field(DEFAULT_LIFETIMES.customers, ge=0, description="seconds an account is fresh")
    hierarchy: float = Field(DEFAULT_LIFETIMES.hierarchy, ge=0, description="seconds the account hierarchy is fresh")
    receivables: float = Field(DEFAULT_LIFETIMES.receivables, ge=0, description="seconds balance and aging are fresh")
    invoices: float = Field(DEFAULT_LIFETIMES.invoices, ge=0, description="seconds an invoice is fresh")
    returns: float = Field(DEFAULT_LIFETIMES.returns, ge=0, description="seconds a return is fresh")
    warehouse: float = Field(DEFAULT_LIFETIMES.warehouse, ge=0, description="seconds the warehouse's work is fresh")
    tracking: float = Field(DEFAULT_LIFETIMES.tracking, ge=0, description="seconds tracking under way is fresh")
    tracking_final: float = Field(
        DEFAULT_LIFETIMES.tracking_final, ge=0, description="seconds tracking is fresh after its last event"
    )
    not_found: float = Field(
        DEFAULT_LIFETIMES.not_found, ge=0, description="seconds that a source does not know a key is believed"
    )
    stale_for: float = Field(
        DEFAULT_LIFETIMES.stale_for, ge=0, description="seconds of age above which nothing stands in for a failed read"
    )
    entries: int = Field(DEFAULT_LIFETIMES.entries, gt=0, description="how many of each kind are remembered")

    def config(self) -> EstateLifetimes:
        return EstateLifetimes(**self.model_dump())
