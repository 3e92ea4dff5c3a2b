"""Reads the ERP's records by reference and by search: statuses inside a 200, pages, and bad records apart from good."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar

from lxml.etree import QName, _Element
from msgspec import UNSET, UnsetType

from domain.errors import SourceError, SourceFault, SourceUnavailable
from domain.values import Provenance
from sources.erp_soap.mapper import Malformed, type_of
from sources.erp_soap.queries import MESSAGES
from sources.erp_soap.soap import Service
from sources.erp_soap.tables import Tables
from sources.erp_soap.wire import Status, Wire
from sources.erp_soap.writer import Of, Values
from sources.ports import Batch

W = TypeVar("W", bound=Wire)
V = TypeVar("V")

SMALLEST_PAGE, PAGE = 5, 250
"""Rows the ERP gives at least, and those we take at once: an order of ten lines is some 12 KB."""

DOES_NOT_EXIST: Final = "RCRD_DSNT_EXIST"
PASSING: Final = frozenset({"ACCT_TEMP_UNAVAILABLE", "RCRD_LOCKED_BY_WF", "SSS_REQUEST_LIMIT_EXCEEDED"})
"""Codes of single records that a later call may not meet (SuiteTalk's StatusDetailCodeType)."""


class ReadStatus(Wire, frozen=True):
    """A ReadResponse or BalanceResponse without what was read, or a list of them without the responses."""

    status: Status


class GetListAnswer(Wire, frozen=True):
    read_response_list: ReadStatus

    @property
    def status(self) -> Status:
        return self.read_response_list.status


class BalanceAnswer(Wire, frozen=True):
    balance_response_list: ReadStatus

    @property
    def status(self) -> Status:
        return self.balance_response_list.status


class SearchResult(Wire, frozen=True):
    """A page of a search without its records."""

    status: Status
    total_records: int | UnsetType
    total_pages: int | UnsetType
    page_index: int | UnsetType
    search_id: str | UnsetType


class SearchAnswer(Wire, frozen=True):
    search_result: SearchResult


def prepare(tables: Tables) -> None:
    """Compiles the readers of everything around the records; raises ``Unfit``."""
    for element, answer in (("getListResponse", GetListAnswer), ("getCustomerBalanceResponse", BalanceAnswer)):
        tables.message(MESSAGES + element, answer)
    for element in ("searchResponse", "searchMoreWithIdResponse"):
        tables.message(MESSAGES + element, SearchAnswer)
    for response in ("ReadResponse", "BalanceResponse"):
        tables.reader(MESSAGES + response, ReadStatus)


@dataclass(frozen=True, slots=True)
class Kind(Generic[W, V]):
    """What is read: each type of record by its schema type's qualified name, and what becomes of it.

    ``to_domain`` may raise ValueError. ``number``: whose record it is.
    """

    structs: Mapping[str, type[W]]
    to_domain: Callable[[W, Provenance], V]
    number: Callable[[V], str] = attrgetter("id")


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A record that breaks the schema. ``said``: what its elements refer to or hold, as far as it can be told."""

    error: SourceFault
    number: str | None
    said: Mapping[str, Collection[str]]


@dataclass(frozen=True, slots=True)
class Rows(Generic[V]):
    """Records in the ERP's order, of ``total`` that a search found."""

    records: Sequence[V | Spoilt]
    total: int


class Records:
    """The ERP's operations, with every answer checked."""

    def __init__(self, system: str, service: Service[Tables]) -> None:
        self._system = system
        self._service = service

    async def get(self, type_: str, numbers: Sequence[str], kind: Kind[W, V], preferences: Values) -> Batch[str, V]:
        """Records of a type by their numbers; one that does not exist is absent."""
        refs = [{"externalId": number, "type": type_} for number in numbers]
        values = {"baseRef": refs, "preferences": preferences}
        return await self._listed("getList", values, numbers, kind, of=("ReadResponse", GetListAnswer))

    async def balances(self, numbers: Sequence[str], kind: Kind[W, V]) -> Batch[str, V]:
        """What accounts owe, by account number; an account that does not exist is absent."""
        values = {"baseRef": [{"externalId": number, "type": "customer"} for number in numbers]}
        return await self._listed("getCustomerBalance", values, numbers, kind, of=("BalanceResponse", BalanceAnswer))

    async def page(self, search: Of, kind: Kind[W, V], preferences: Values, *, limit: int) -> Rows[V]:
        """The first rows a search finds, at most ``limit``."""
        size = min(max(limit, SMALLEST_PAGE), PAGE)
        rows, _ = await self._search("search", _first(search, preferences, size), kind)
        if len(rows.records) != min(rows.total, size):
            raise SourceFault(self._system, f"search: {len(rows.records)} rows of {rows.total} on a page of {size}")
        return Rows(rows.records[:limit], rows.total)

    async def all(self, search: Of, kind: Kind[W, V], preferences: Values) -> Sequence[V | Spoilt]:
        """Every row a search finds, in as many pages as it takes."""
        rows, result = await self._search("search", _first(search, preferences, PAGE), kind)
        records = [*rows.records]
        for place in range(2, (0 if result.total_pages is UNSET else result.total_pages) + 1):
            more = {"searchId": "" if result.search_id is UNSET else result.search_id, "pageIndex": place}
            page, told = await self._search("searchMoreWithId", more, kind)
            if told.page_index != place or not page.records:
                raise SourceFault(self._system, f"searchMoreWithId: page {place} did not come")
            records += page.records
        if len(records) != rows.total:
            raise SourceFault(self._system, f"search: {len(records)} rows came of {rows.total}")
        return records

    # -- an operation and its answer ---------------------------------------------------------------------------------

    async def _listed(
        self,
        operation: str,
        values: Values,
        numbers: Sequence[str],
        kind: Kind[W, V],
        *,
        of: tuple[str, type[GetListAnswer] | type[BalanceAnswer]],
    ) -> Batch[str, V]:
        """``of``: the type of each response, and what the answer around them is read into."""
        response, answer = of
        tables = (await self._service.contract()).prepared
        outcomes: list[V | SourceError | None] = []

        def take(element: _Element, as_of: datetime) -> None:
            number = numbers[len(outcomes)] if len(outcomes) < len(numbers) else None
            try:
                status = tables.reader(MESSAGES + response, ReadStatus)(element).status
                if status.is_success:
                    outcomes.append(self._read(tables, _content(element), kind, as_of, number))
                else:
                    outcomes.append(self._refusal(status, f"record {number!r}"))
            except ValueError as error:
                outcomes.append(SourceFault(self._system, f"record {number!r}: {error}"))

        name = MESSAGES + response[0].lower() + response[1:]
        body = await self._service.call(operation, values, record=name, take=take)
        self._succeeded(self._message(tables, body, answer).status, operation)
        if len(outcomes) != len(numbers):
            raise SourceFault(self._system, f"{operation}: {len(outcomes)} answers to {len(numbers)} references")
        return {number: found for number, found in zip(numbers, outcomes, strict=True) if found is not None}

    async def _search(self, operation: str, values: Values, kind: Kind[W, V]) -> tuple[Rows[V], SearchResult]:
        tables = (await self._service.contract()).prepared
        records: list[V | Spoilt] = []

        def take(element: _Element, as_of: datetime) -> None:
            try:
                records.append(self._read(tables, element, kind, as_of))
            except ValueError as error:
                records.append(_spoilt(element, SourceFault(self._system, f"{operation}: {error}")))

        body = await self._service.call(operation, values, record=MESSAGES + "record", take=take)
        result = self._message(tables, body, SearchAnswer).search_result
        self._succeeded(result.status, operation)
        if result.total_records is UNSET:
            raise SourceFault(self._system, f"{operation}: does not tell how many rows there are")
        return Rows(records, result.total_records), result

    # -- inside an answer --------------------------------------------------------------------------------------------

    def _read(
        self, tables: Tables, element: _Element, kind: Kind[W, V], as_of: datetime, number: str | None = None
    ) -> V:
        """A record by the type it says it is, or by the only one it can be. ``number``: whose record it must be."""
        name = type_of(element) or (next(iter(kind.structs)) if len(kind.structs) == 1 else "")
        struct = kind.structs.get(name)
        if struct is None:
            raise Malformed(f"is of the type {name or 'nobody knows'}", QName(element).localname)
        try:
            value = kind.to_domain(tables.reader(name, struct)(element), Provenance(self._system, as_of))
        except ValueError as error:
            raise ValueError(f"{QName(name).localname} {element.get('externalId')!r}: {error}") from error
        if number is not None and kind.number(value) != number:
            raise ValueError(f"another record came: {kind.number(value)!r}")
        return value

    def _message(self, tables: Tables, body: _Element, struct: type[W]) -> W:
        try:
            return tables.message(str(body.tag), struct)(body)
        except Malformed as error:
            raise SourceFault(self._system, str(error.below(QName(body).localname))) from error

    def _refusal(self, status: Status, what: str) -> SourceError | None:
        """None: what was asked for does not exist."""
        codes = [detail.code for detail in status.status_detail]
        if DOES_NOT_EXIST in codes:
            return None
        words = "; ".join(f"{detail.code}: {detail.message}" for detail in status.status_detail)
        kind = SourceUnavailable if PASSING.intersection(codes) else SourceFault
        return kind(self._system, f"{what}: {words or 'no reason told'}")

    def _succeeded(self, status: Status, operation: str) -> None:
        if not status.is_success:
            raise self._refusal(status, operation) or SourceFault(self._system, f"{operation}: {DOES_NOT_EXIST}")


def _first(search: Of, preferences: Values, size: int) -> dict[str, Any]:
    return {"searchRecord": search, "searchPreferences": {**preferences, "pageSize": size}}


def _content(response: _Element) -> _Element:
    found = next((part for part in response if part.tag != MESSAGES + "status"), None)
    if found is None:
        raise Malformed("is a success without a record")
    return found


def _spoilt(element: _Element, error: SourceFault) -> Spoilt:
    said: dict[str, list[str]] = {}
    for part in element:
        word = part.get("externalId") or part.text
        if word is not None:
            said.setdefault(QName(part).localname, []).append(word)
    return Spoilt(error, element.get("externalId"), said)
