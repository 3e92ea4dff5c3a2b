"""What the ERP answers: its operations, its statuses inside a 200, and its faults."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from lxml import etree
from lxml.etree import _Element
from starlette.responses import Response

from examples.distributor.erp import PASSWORD, USERNAME, search
from examples.distributor.erp.accounts import balance, customer
from examples.distributor.erp.index import KINDS, Index
from examples.distributor.erp.markup import DECLARED, el, wrap
from examples.distributor.erp.search import MESSAGES, Found, Preferences, Searches, TooMany
from examples.distributor.erp.security import Guard
from examples.distributor.world import World

CONTRACT: Final = Path(__file__).with_name("contract")
SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
XSI_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"
MOST_REFS: Final = 1000
Trouble = Literal["error", "locked", "malformed", "odd"]


class Fault(Exception):
    """A request that fails as a whole, by the name of its fault in the WSDL."""

    def __init__(self, name: str, code: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.code = code

    def response(self, status: int = 500) -> Response:
        detail = wrap(f"f:{self.name}", (el("f:code", self.code), el("f:message", str(self))))
        parts = (el("faultcode", "soapenv:Server"), el("faultstring", str(self)), f"<detail>{detail}</detail>")
        return envelope(wrap("soapenv:Fault", parts), status)


def envelope(body: str, status: int = 200) -> Response:
    text = f'<soapenv:Envelope xmlns:soapenv="{SOAP}"{DECLARED}><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>'
    content = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
    return Response(content, status, media_type="text/xml; charset=utf-8")


def failure(code: str, message: str) -> str:
    """The status of a record that could not be read."""
    detail = el("c:code", code) + el("c:message", message)
    return f'<m:status isSuccess="false"><c:statusDetail type="ERROR">{detail}</c:statusDetail></m:status>'


class Erp:
    """What the service answers from: the world, and the records that are in trouble."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.index = Index(world)
        self.guard = Guard(USERNAME, PASSWORD)
        self.searches = Searches()
        self.trouble: Mapping[str, Trouble] = {}
        self.schema = etree.XMLSchema(file=str(CONTRACT / "messages.xsd"))
        self.operations: Mapping[str, Callable[[_Element, datetime], str]] = {
            "getList": self.get_list,
            "search": self.search,
            "searchMoreWithId": self.search_more,
            "getCustomerBalance": self.get_balances,
        }

    def answer(self, message: bytes, now: datetime) -> Response:
        """The answer to a whole message; raises ``Fault``."""
        try:
            root = etree.fromstring(message, etree.XMLParser(resolve_entities=False, no_network=True))
        except etree.XMLSyntaxError as error:
            raise Fault("UnexpectedErrorFault", "USER_ERROR", f"SAXParseException: {error}") from error
        body = root.find(f"{{{SOAP}}}Body")
        if root.tag != f"{{{SOAP}}}Envelope" or body is None or len(body) != 1:
            raise Fault("UnexpectedErrorFault", "USER_ERROR", "Not a SOAP 1.1 envelope with one request in its body")
        if not self.guard.admits(root.find(f"{{{SOAP}}}Header"), message):
            raise Fault("InvalidCredentialsFault", "INVALID_LOGIN_CREDENTIALS", "Invalid user or password")
        request = body[0]
        if not self.schema.validate(request):
            raise Fault("UnexpectedErrorFault", "USER_ERROR", f"SAXParseException: {self.schema.error_log}")
        name = etree.QName(request).localname
        try:
            return envelope(wrap(f"m:{name}Response", (self.operations[name](request, now),)))
        except TooMany as error:
            raise Fault("ExceededRequestSizeFault", "MAX_RCRDS_EXCEEDED", str(error)) from error

    # -- operations --------------------------------------------------------------------------------------------------

    def get_list(self, request: _Element, now: datetime) -> str:
        preferences = Preferences.of(request.find(MESSAGES + "preferences"))
        responses = (
            wrap("m:readResponse", (self._read(type_, number, preferences, now),)) for type_, number in _refs(request)
        )
        return wrap("m:readResponseList", (_success(), *responses))

    def get_balances(self, request: _Element, now: datetime) -> str:
        responses = (wrap("m:balanceResponse", (self._balance(number, now),)) for _, number in _refs(request))
        return wrap("m:balanceResponseList", (_success(), *responses))

    def search(self, request: _Element, now: datetime) -> str:
        asked, wishes = request
        preferences = Preferences.of(wishes)
        if asked.get(XSI_TYPE, "").rpartition(":")[2] == "CustomerSearch":
            rows = search.customers(self.world, asked, preferences)
        else:
            rows = search.transactions(self.index, asked, preferences, now)
        found = Found(rows, int(wishes.findtext(MESSAGES + "pageSize", "")))
        return self._page(found, 1, self.searches.keep(found))

    def search_more(self, request: _Element, _: datetime) -> str:
        search_id = request.findtext(MESSAGES + "searchId", "")
        place = int(request.findtext(MESSAGES + "pageIndex", ""))
        found = self.searches.get(search_id)
        if found is None:
            return wrap("m:searchResult", (failure("INVALID_SEARCH_MORE", "There is no such search, or no longer"),))
        if not 1 <= place <= found.pages:
            raise Fault("UnexpectedErrorFault", "INVALID_PAGE_INDEX", f"There is no page {place}")
        return self._page(found, place, search_id)

    # -- records -----------------------------------------------------------------------------------------------------

    def _read(self, type_: str, number: str, preferences: Preferences, now: datetime) -> str:
        trouble = self.trouble.get(number)
        if trouble in FAILURES:
            return failure(*FAILURES[trouble])
        if type_ == "customer" and number in self.world.accounts:
            account = self.world.accounts[number]
            parent = self.world.accounts[account.parent] if account.parent else None
            return _success() + self._told(number, customer(account, parent, lists=preferences.lists))
        entry = self.index.find(type_, number, now) if type_ in KINDS else None
        if entry is None:
            return failure("RCRD_DSNT_EXIST", f"That record does not exist. path: {number!a}")
        text = self.index.xml(entry, now, amounts=preferences.amounts, lists=preferences.lists)
        return _success() + self._told(number, text)

    def _balance(self, number: str, now: datetime) -> str:
        trouble = self.trouble.get(number)
        if trouble in FAILURES:
            return failure(*FAILURES[trouble])
        view = self.world.customer(number, now)
        if view is None:
            return failure("RCRD_DSNT_EXIST", f"That record does not exist. path: {number!a}")
        return _success() + self._told(number, balance(view))

    def _page(self, found: Found, place: int, search_id: str) -> str:
        page = found.page(place)
        return wrap(
            "m:searchResult",
            (
                _success(),
                el("m:totalRecords", len(found.rows)),
                el("m:pageSize", found.page_size),
                el("m:totalPages", found.pages),
                el("m:pageIndex", place),
                el("m:searchId", search_id),
                wrap("m:recordList", (self._told(number, record()) for number, record in page)),
            ),
        )

    def _told(self, number: str, record: str) -> str:
        """The record, as its trouble leaves it."""
        spoil = SPOILT.get(self.trouble.get(number, ""))
        return record if spoil is None else spoil(record)


FAILURES: Final[Mapping[str | None, tuple[str, str]]] = {
    "error": ("UNEXPECTED_ERROR", "An unexpected error occurred. Error ID: 0010042"),
    "locked": ("RCRD_LOCKED_BY_WF", "This record has been locked by a user defined workflow"),
}
SPOILT: Final[Mapping[str, Callable[[str], str]]] = {
    "malformed": lambda record: re.sub("<[sa]:(entity|currency)[^>]*>", "<s:surprise/>", record, count=1),
    "odd": lambda record: re.sub(">_[A-Za-z]+</s:(orderStatus|status)>", r">_awaitingMoonrise</s:\1>", record),
}
"""What becomes of records in trouble: one loses an element and has an unknown one, the other a status nobody knows."""


def _refs(request: _Element) -> Iterable[tuple[str, str]]:
    refs = request.findall(MESSAGES + "baseRef")
    if len(refs) > MOST_REFS:
        raise TooMany(f"{len(refs)} records, and at most {MOST_REFS} are read at once")
    return [(ref.get("type", ""), ref.get("externalId", "")) for ref in refs]


def _success() -> str:
    return '<m:status isSuccess="true"/>'
