"""The settings of one Crossdock, checked at start: whatever is wrong is told all at once, by name, with its remedy."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from secrets import token_urlsafe
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BaseModel, DirectoryPath, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

import examples
from domain.access import SCOPES
from engine.execute import Mode
from ingest.polling import Carrier
from server import coexistence_settings, trusted
from server.broker_settings import Broker, Publish
from server.coexistence_settings import Coexistence
from server.document_settings import Documents
from server.download_settings import Downloads
from server.environment import Gathered, Misconfigured, Problem, gather, variable
from server.memory_settings import OFF, Ingest, Reads, Store
from server.sections import (
    SHORTEST,
    CarrierSource,
    Demo,
    Issuer,
    Lifetimes,
    Origins,
    PrivateAddress,
    Secrets,
    Source,
)
from server.trusted import Trusted
from sources import mappings
from sources.config import EstateConfig
from sources.feeds import FeedConfig, door
from sources.mappings import Tables
from sources.registry import CARRIERS

QUERIES = Path(examples.__path__[0]) / "queries"


def _there(value: Path) -> Path:
    if not value.exists():
        raise ValueError("is neither a folder nor a file that is there")
    return value


def _switch(value: str) -> str:
    if value not in ("on", "off", *SCOPES):
        raise ValueError("is neither on, off nor a scope")
    return value


class Settings(BaseSettings):
    """Everything Crossdock is told from outside. Names, as environment variables, begin with CROSSDOCK_."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)

    host: str = Field("127.0.0.1", description="the address to listen on; 0.0.0.0 for every interface")
    port: int = Field(8000, ge=0, le=65535, description="the port to listen on")
    workers: int = Field(
        1,
        ge=1,
        le=64,
        description="how many processes serve, sharing the port, memory and each source's concurrency; the first of "
        "them works on deliveries",
    )
    public_url: PrivateAddress | None = Field(
        None, description="the address clients reach Crossdock at, without /graphql"
    )
    origins: Origins = Field(
        frozenset(), description="other sites whose pages may ask, such as https://portal.example.com"
    )
    secret: Secrets = Field(
        default_factory=lambda: SecretStr(token_urlsafe(SHORTEST)),
        description="the secret that cursors and links are made with, the same in every replica, such as "
        "`openssl rand -base64 32` prints; or several separated by spaces, the new one first, while it takes over; "
        "unset: made anew at each start, after which those of before are refused",
    )
    oidc: dict[str, Issuer] = Field(
        min_length=1,
        description="an identity provider, under a name of your choice: CROSSDOCK_OIDC__<NAME>__ISSUER and __AUDIENCE",
    )
    erp: Source = Field(description="the ERP")
    coexistence: Coexistence = Coexistence()
    wms: Source = Field(description="the warehouse system")
    carriers: dict[str, CarrierSource] = Field(
        {}, description="the carriers, each under its name: CROSSDOCK_CARRIERS__<NAME>__KIND and __URL"
    )
    codes: DirectoryPath | None = Field(
        None,
        description="the folder of our own code tables, laid over each source's: <source>.tsv, and "
        "<source>/<account>.tsv for one customer's records",
    )
    lifetimes: Lifetimes = Lifetimes()
    store: Store = Store()
    reads: Reads = Reads()
    ingest: Ingest = Ingest()
    brokers: dict[str, Broker] = Field(
        {},
        description="message brokers that bring events, each under a name of your choice: "
        "CROSSDOCK_BROKERS__<NAME>__URL, __SUBJECT and __SOURCE",
    )
    publish: Publish = Publish()
    deadline: float = Field(10, gt=0, le=120, description="seconds a request may take in all")
    max_body: int = Field(1_048_576, ge=1024, description="bytes a request's body may have")
    engine: Mode = Field(
        Mode.ADAPTIVE,
        description="What runs operations: compiled plans from a document's second run on (adaptive) or from its first "
        "(compiled), or graphql-core alone (core).",
    )
    documents: Documents = Documents()
    downloads: Downloads = Downloads()
    introspection: Annotated[str, AfterValidator(_switch)] = Field(
        "on",
        description="who may read the schema, and is told what in a document does not fit it, signed in: on (all), "
        f"off (none), or a scope of {' '.join(SCOPES)}",
    )
    persisted: Annotated[Path, AfterValidator(_there)] | None = Field(
        None,
        description="the persisted documents: a folder of .graphql files, or a manifest as Apollo, Relay and GraphQL "
        "Code Generator write it; they are checked and compiled at start",
    )
    safelist: Annotated[str, AfterValidator(_switch)] = Field(
        "off",
        description="whether only persisted documents are run: off, on, or a scope whose holders may ask for any, of "
        f"{' '.join(SCOPES)}",
    )
    get: Literal["any", "persisted"] | None = Field(
        None, description="what may be asked for by GET: any or persisted; unset: any, while nothing is persisted"
    )
    graphiql: bool = Field(True, description="whether to serve GraphiQL at /graphiql/")
    queries: DirectoryPath = Field(QUERIES, description="the folder of saved queries that GraphiQL offers")
    metrics_token: SecretStr | None = Field(
        None, description="the bearer token of whoever scrapes /metrics; unset: only callers with ops:read may"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="the least level to log: debug, info, warning or error"
    )
    shutdown_grace: float = Field(
        20, ge=0, description="seconds that requests under way may take to finish when stopping"
    )
    demo: Demo | None = Field(None, description="the simulated company of `crossdock demo`; never set it in production")

    def estate(self) -> EstateConfig:
        """The sources, as ``sources.registry`` opens them."""
        return EstateConfig(
            erp_kind=self.erp.kind,
            erp=self.erp.config("erp", self.codes),
            wms_kind=self.wms.kind,
            wms=self.wms.config("wms", self.codes),
            carriers=tuple((carrier.kind, carrier.config(name, self.codes)) for name, carrier in self.carriers.items()),
            lifetimes=self.lifetimes.config(),
            following=self.coexistence.following(self.codes),
        )

    def tables(self, codes: Path | None) -> Tables:
        """What each source's codes mean, with those of the folder ``codes``. Raises ``BadCodes``."""
        called = ((*role_and_name(path), source.kind) for path, source in self.sources())
        return mappings.read({name: (role, kind) for role, name, kind in called}, codes)

    def trusted(self) -> Trusted:
        """Reads what is persisted. Raises Misconfigured."""
        by_get = self.get or ("persisted" if self.persisted else "any")
        return Trusted(trusted.read(self.persisted), safelist=self.safelist, by_get=by_get)

    def sources(self) -> Iterator[tuple[tuple[str, ...], Source]]:
        """The sections of the sources by their paths."""
        yield ("erp",), self.erp
        if following := self.coexistence.erp:
            yield ("coexistence", "erp"), following
        yield ("wms",), self.wms
        for name, carrier in self.carriers.items():
            yield ("carriers", name), carrier

    def feeds(self) -> Sequence[FeedConfig]:
        """The sources, as ``sources.feeds`` opens their doors."""
        return [source.feed(*role_and_name(path), self.codes) for path, source in self.sources()]

    def polled(self) -> Mapping[str, Carrier]:
        """The carriers that are polled, by SCAC."""
        return {
            scac: carrier.polled(name)
            for name, carrier in self.carriers.items()
            for scac in getattr(CARRIERS.get(carrier.kind), "scacs", ())
        }


class Given(PydanticBaseSettingsSource):
    """Hands the gathered tree to pydantic-settings."""

    def __init__(self, gathered: Gathered) -> None:
        super().__init__(Settings)
        self._tree = gathered.tree

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 (the interface's)
        return self._tree.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self._tree


def load(environ: Mapping[str, str]) -> Settings:
    """The settings that ``environ`` and its CROSSDOCK_CONFIG give. Raises Misconfigured with every problem found."""
    gathered = gather(environ)
    problems, settings = gathered.problems, None
    try:
        settings = Settings(_build_sources=((Given(gathered),), {}))
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False):
            problems.extend(_explain(each["type"], each["loc"], each["msg"]))
    if settings:
        problems.extend(_unusable_secrets(settings))
        problems.extend(_too_few_calls(settings))
        problems.extend(_nothing_to_run(settings))
        problems.extend(_nowhere_to_compare(settings))
    if problems or settings is None:
        raise Misconfigured(problems)
    return settings


def role_and_name(path: Sequence[str]) -> tuple[str, str]:
    """What a source is to us, and what it is called: by where ``Settings.sources`` has it."""
    return ("erp", coexistence_settings.NAME) if path[0] == "coexistence" else (path[0], path[-1])


def _unusable_secrets(settings: Settings) -> Iterator[Problem]:
    for (section, _), feed in zip(settings.sources(), settings.feeds(), strict=True):
        try:
            if feed.secrets:
                door(feed)
        except ValueError as error:
            yield Problem(variable((*section, "webhook_secret")), str(error))


def _too_few_calls(settings: Settings) -> Iterator[Problem]:
    """What a source allows at once is shared out; a process without any could never ask it."""
    for path, source in settings.sources():
        if source.limits.concurrency < settings.workers:
            reason = f"is {source.limits.concurrency}, too few for {settings.workers} processes to share"
            remedy = f"lower {variable(('workers',))}"
            yield Problem(variable((*path, "limits", "concurrency")), f"{reason}; {remedy}")


def _nowhere_to_compare(settings: Settings) -> Iterator[Problem]:
    if settings.coexistence.shadow and settings.store.url == OFF:
        remedy = f"give {variable(('store', 'url'))} a database, or remove it"
        yield Problem(variable(("coexistence", "shadow")), f"compares what nothing keeps, as memory is off; {remedy}")


def _nothing_to_run(settings: Settings) -> Iterator[Problem]:
    path = ("safelist",) if settings.safelist == "on" else ("get",) if settings.get == "persisted" else ()
    if path and not settings.persisted:
        remedy = f"give {variable(('persisted',))} {Settings.model_fields['persisted'].description}"
        yield Problem(variable(path), f"leaves nothing to run, as nothing is persisted; {remedy}")


def masked(settings: Settings) -> dict[str, str]:
    """The effective settings by variable, secrets as asterisks, defaults included."""
    return {variable(path): _shown(value) for path, value in _values(settings, ())}


def _values(section: BaseModel | Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in section.items() if isinstance(section, Mapping) else section:
        if isinstance(value, BaseModel | Mapping):
            yield from _values(value, (*path, name))
        elif value is not None:
            yield (*path, name), value


def _shown(value: Any) -> str:
    return " ".join(sorted(value)) if isinstance(value, frozenset) else str(value)


# -- what is wrong, in the words of an integration team ----------------------------------------------------------------

ANY = "*"
"""Stands for the name of one entry, such as a carrier's, in the path of a setting."""


def _catalogue(section: type[BaseModel], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Every setting there is, sections included, by its path."""
    for name, field in section.model_fields.items():
        here = (*path, name)
        yield here, field
        if get_origin(field.annotation) is dict:
            here = (*here, ANY)
            yield here, field
        if inner := _section(field):
            yield from _catalogue(inner, here)


def _section(field: FieldInfo) -> type[BaseModel] | None:
    """The section that the setting holds: itself, or as an entry, or optionally."""
    types = (field.annotation, *get_args(field.annotation))
    return next((each for each in types if isinstance(each, type) and issubclass(each, BaseModel)), None)


CATALOGUE = tuple(_catalogue(Settings, ()))


def _explain(kind: str, loc: tuple[int | str, ...], message: str) -> Iterator[Problem]:
    path = tuple(part for part in loc if isinstance(part, str) and part != "[key]")
    field = next((field for known, field in CATALOGUE if _is(known, path)), None)
    says = message.removeprefix("Value error, ").removeprefix("Input ").removeprefix("Value ")
    if kind == "extra_forbidden":
        yield Problem(variable(path), f"is no setting of Crossdock; {_remedy(path)}")
    elif field is None:
        yield Problem(variable(path), says)
    elif kind == "missing":
        for name, missing in _required(path, field):
            yield Problem(variable(name), f"is not set; give {missing.description}")
    else:
        yield Problem(variable(path), f"{says}; give {field.description}")


def _is(known: tuple[str, ...], path: tuple[str, ...]) -> bool:
    return len(known) == len(path) and all(part in (ANY, given) for part, given in zip(known, path, strict=True))


def _required(path: tuple[str, ...], field: FieldInfo) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """What must be given for ``field``: itself, or what its section requires."""
    section = field.annotation
    if isinstance(section, type) and issubclass(section, BaseModel):
        for name, inner in section.model_fields.items():
            if inner.is_required():
                yield from _required((*path, name), inner)
    else:
        yield path, field


def _remedy(path: tuple[str, ...]) -> str:
    """The known setting nearest in name, entries under the name that was given."""
    filled = (
        tuple(path[at] if part == ANY and at < len(path) else part for at, part in enumerate(known))
        for known, _ in CATALOGUE
    )
    near = get_close_matches(variable(path), {variable(each) for each in filled if ANY not in each}, 1, cutoff=0.75)
    return f"did you mean {near[0]}?" if near else "remove it"
