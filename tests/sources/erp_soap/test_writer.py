"""Requests are what zeep itself would write, with every text escaped."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from sources.erp_soap.lexical import sayable
from sources.erp_soap.mapper import XSI_TYPE, type_of
from sources.erp_soap.tables import Unfit
from sources.erp_soap.writer import Of, Values, Writer
from tests.sources.erp_soap.described import CONTRACT, MESSAGES, zeep_client

WRITER = Writer(zeep_client().wsdl.types)
TRICKY = " <a> & \"b\" 'c' ]]>\t\r\n\\%00 é東 "
SEARCH = MESSAGES + "TransactionSearch"


def told(element: Any) -> Any:
    """What an element says, whatever its prefixes and however its times are written."""
    attributes = dict(element.attrib)
    if XSI_TYPE in attributes:
        attributes[XSI_TYPE] = type_of(element)
    text = (element.text or "").replace("+00:00", "Z")
    return element.tag, attributes, text, [told(child) for child in element]


def by_zeep(operation: str, values: dict[str, Any]) -> Any:
    client = zeep_client()
    return client.create_message(client.service, operation, **values)[0][0]


def in_zeeps_words(values: Any) -> Any:
    """The same values with zeep's objects where a type is named."""
    if isinstance(values, Of):
        return zeep_client().get_type(values.type_name)(**in_zeeps_words(values.values))
    if isinstance(values, dict):
        return {name: in_zeeps_words(value) for name, value in values.items() if value is not None}
    return [in_zeeps_words(value) for value in values] if isinstance(values, list) else values


MESSAGES_SENT: dict[str, tuple[str, dict[str, Any]]] = {
    "a list of records": (
        "getList",
        {
            "baseRef": [{"externalId": f"00{n}", "type": "salesOrder"} for n in range(50)],
            "preferences": {"includeAmounts": False, "bodyFieldsOnly": True},
        },
    ),
    "tricky texts": ("getList", {"baseRef": [{"externalId": TRICKY, "type": "customer"}], "preferences": None}),
    "a search": (
        "search",
        {
            "searchRecord": Of(
                SEARCH,
                {
                    "type": ["invoice", "creditMemo"],
                    "entity": {"operator": "anyOf", "searchValue": [{"externalId": TRICKY}, {"externalId": "00"}]},
                    "otherRefNum": {"operator": "anyOf", "searchValue": [TRICKY, ""]},
                    "status": None,
                    "startAfter": {"tranDate": datetime(2026, 11, 20, 15, 0, 0, 5, UTC), "externalId": TRICKY},
                    "direction": "descending",
                },
            ),
            "searchPreferences": {"includeAmounts": True, "bodyFieldsOnly": False, "pageSize": 20},
        },
    ),
    "accounts": (
        "search",
        {
            "searchRecord": Of(
                MESSAGES + "CustomerSearch", {"companyName": {"operator": "contains", "searchValue": TRICKY}}
            ),
            "searchPreferences": {"pageSize": 5},
        },
    ),
    "more of it": ("searchMoreWithId", {"searchId": TRICKY, "pageIndex": 2}),
}


@pytest.mark.parametrize("name", MESSAGES_SENT)
def test_it_writes_what_zeep_writes(name: str) -> None:
    operation, values = MESSAGES_SENT[name]
    ours = etree.fromstring(WRITER.message(MESSAGES + operation, values))
    assert told(ours) == told(by_zeep(operation, in_zeeps_words(values)))


@pytest.mark.parametrize("name", MESSAGES_SENT)
def test_it_keeps_to_the_schema(name: str) -> None:
    operation, values = MESSAGES_SENT[name]
    schema = etree.XMLSchema(etree.parse(str(CONTRACT / "messages.xsd")))
    schema.assertValid(etree.fromstring(WRITER.message(MESSAGES + operation, values)))


@given(st.text(st.characters(exclude_categories=["Cs"])).filter(sayable))
def test_any_text_arrives(text: str) -> None:
    values: Values = {"baseRef": [{"externalId": text, "name": text}]}
    ref = etree.fromstring(WRITER.message(MESSAGES + "getList", values))[0]
    assert (ref.get("externalId"), ref[0].text or "") == (text, text)


@pytest.mark.parametrize("text", ["\x00", "a\x0b", "\ud800", "\uffff"])
def test_what_xml_cannot_hold_is_refused(text: str) -> None:
    for values in ({"baseRef": [{"externalId": text}]}, {"baseRef": [{"name": text}]}):
        with pytest.raises(ValueError, match="cannot hold"):
            WRITER.message(MESSAGES + "getList", values)


def test_what_the_schema_has_no_place_for_is_refused() -> None:
    with pytest.raises(Unfit, match="no surprise"):
        WRITER.message(MESSAGES + "getList", {"baseRef": [{"surprise": "1"}]})
    with pytest.raises(Unfit, match="no surprise"):
        WRITER.message(MESSAGES + "getList", {"surprise": True})
