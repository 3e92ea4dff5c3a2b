"""Records are read as their schema says: nothing lost, nothing guessed, and nothing foreign let in."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import msgspec
import pytest
import zeep
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from msgspec import UNSET, UnsetType

from domain.values import Moment
from sources.erp_soap import lexical, wsdl
from sources.erp_soap.mapper import Malformed, RawCode, type_of
from sources.erp_soap.orders import OrderLineRecord
from sources.erp_soap.parsing import parse
from sources.erp_soap.tables import Tables, Unfit
from sources.erp_soap.wire import Ref, Wire
from tests.sources.erp_soap.described import SALES, tables

NAMESPACE = "urn:test"
T = f"{{{NAMESPACE}}}"
SCHEMA = b"""<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:test">
<wsdl:types><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:test" targetNamespace="urn:test"
                       elementFormDefault="qualified">
  <xs:simpleType name="Colour"><xs:restriction base="xs:string">
    <xs:enumeration value="red"/><xs:enumeration value="sea green"/></xs:restriction></xs:simpleType>
  <xs:complexType name="Base"><xs:sequence>
    <xs:element name="must" type="xs:string"/>
    <xs:element name="may" type="xs:string" minOccurs="0" nillable="true"/></xs:sequence>
    <xs:attribute name="key" type="xs:string" use="required"/>
    <xs:attribute name="extra" type="xs:int"/></xs:complexType>
  <xs:complexType name="Box"><xs:complexContent><xs:extension base="Base"><xs:sequence>
    <xs:element name="colour" type="Colour" minOccurs="0"/>
    <xs:element name="part" type="Base" minOccurs="0" maxOccurs="unbounded"/>
    <xs:choice minOccurs="0"><xs:element name="left" type="xs:int"/><xs:element name="right" type="xs:int"/></xs:choice>
    <xs:element name="box" type="Box" minOccurs="0" nillable="true"/>
    <xs:element name="unread" type="Base" minOccurs="0"/>
    <xs:element name="word" type="xs:string" minOccurs="1" maxOccurs="3"/>
  </xs:sequence></xs:extension></xs:complexContent></xs:complexType>
  <xs:complexType name="Twin"><xs:sequence>
    <xs:element name="one" type="xs:string"/><xs:element name="two" type="xs:string"/>
    <xs:element name="one" type="xs:string"/></xs:sequence></xs:complexType>
</xs:schema></wsdl:types></wsdl:definitions>"""


class Base(Wire, frozen=True):
    key: str
    must: str
    may: str | UnsetType | None


class Box(Wire, frozen=True):
    key: str
    must: str
    colour: str | UnsetType
    part: tuple[Base, ...]
    left: int | UnsetType
    box: "Box | UnsetType | None"
    word: tuple[str, ...]
    may: str | UnsetType | None
    extra: int | UnsetType


def schema() -> Tables:
    documents = {"http://x/?wsdl": SCHEMA}
    client: Any = wsdl.read("http://x/?wsdl", documents)
    assert isinstance(client, zeep.Client)
    return Tables(client.wsdl.types, wsdl.enumerations(documents))


READ = schema().reader(T + "Box", Box)
MUST = "<must>m</must><word>w</word>"


def box(inner: str = MUST, attributes: str = 'key="k"') -> Box:
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    return READ(parse(f'<b xmlns="{NAMESPACE}" {xsi} {attributes}>{inner}</b>'.encode()))


def test_absent_nil_and_empty_are_three_things() -> None:
    assert box().may is UNSET
    assert box(f'{MUST}<may xsi:nil="true"/>').may is None
    assert box(f"{MUST}<may/>").may == ""
    assert box(f'{MUST}<may xsi:nil="false"/>').may == ""
    assert box(f'{MUST}<may xsi:nil=" 0 ">x</may>').may == "x"
    assert box(f'{MUST}<box xsi:nil="1"/>').box is None


def test_one_element_is_still_a_list() -> None:
    one = '<part key="1"><must>a</must></part>'
    assert box().part == ()
    assert box(MUST + one).part == (Base("1", "a", UNSET),)
    assert len(box(MUST + one * 3).part) == 3
    assert box(MUST).word == ("w",)


def test_types_may_contain_themselves() -> None:
    inner = box(f'{MUST}<box key="i">{MUST}<box key="j">{MUST}</box></box>').box
    assert isinstance(inner, Box)
    assert isinstance(inner.box, Box)
    assert inner.box.key == "j"


def test_what_is_known_and_not_wanted_is_passed_over() -> None:
    assert box(f'{MUST}<unread key="1"><must>anything</must></unread><right>5</right>').left is UNSET
    assert box(f"{MUST}<left>-7</left>").left == -7
    assert box(MUST, 'key="k" extra="0012"').extra == 12


def test_schema_instance_attributes_are_no_data() -> None:
    typed = 'key="k" xsi:type="Box" xsi:schemaLocation="urn:test http://127.0.0.1:9/x.xsd"'
    inner = '<must xsi:type="xs:string" xmlns:xs="http://www.w3.org/2001/XMLSchema">m</must><word>w</word>'
    assert box(inner, typed).must == "m"


@pytest.mark.parametrize(
    ("inner", "attributes", "words"),
    [
        ("<word>w</word>", 'key="k"', "lacks must"),
        ("<must>m</must>", 'key="k"', "lacks word"),
        (MUST, "", "lacks @key"),
        (MUST + "<must>again</must>", 'key="k"', "must[2]: comes twice"),
        (MUST + "<surprise/>", 'key="k"', "surprise: is not in the schema"),
        (MUST + '<must xmlns="urn:other">m</must>', 'key="k"', "must: is not in the schema"),
        (MUST, 'key="k" surprise="1"', "@surprise: is not in the schema"),
        ('<must lang="en">m</must><word>w</word>', 'key="k"', "must/@lang: is not in the schema"),
        ("<must>m<b/></must><word>w</word>", 'key="k"', "must/b: is not in the schema"),
        (MUST + "<colour>blue</colour>", 'key="k"', "colour: 'blue' is none of the values allowed"),
        (MUST + "<colour>red </colour>", 'key="k"', "colour: 'red ' is none of the values allowed"),
        (MUST + "<left>1.5</left>", 'key="k"', "left: '1.5' is not a number"),
        (MUST + "<left/>", 'key="k"', "left: '' is not a number"),
        (MUST, 'key="k" extra="x"', "@extra: 'x' is not a number"),
        ('<must xsi:nil="true"/><word>w</word>', 'key="k"', "must: may not be nil"),
        (MUST + '<may xsi:nil="true">x</may>', 'key="k"', "may: is nil, and yet has content"),
        (MUST + '<may xsi:nil="maybe"/>', 'key="k"', "may: '' is not true"),
        (MUST + '<part key="1"><must>a</must></part><part key="2"/>', 'key="k"', "part[2]: lacks must"),
        (MUST + f'<box key="1">{MUST}<part><must>a</must></part></box>', 'key="k"', "box/part: lacks @key"),
    ],
)
def test_what_breaks_the_schema_says_where(inner: str, attributes: str, words: str) -> None:
    with pytest.raises(Malformed) as caught:
        box(inner, attributes)
    assert words in str(caught.value)


def test_an_error_repeats_only_a_little_of_a_value() -> None:
    with pytest.raises(Malformed) as caught:
        box(f"{MUST}<left>{'9' * 10_000}</left>")
    assert len(str(caught.value)) < 200


class Open(Wire, frozen=True):
    colour: RawCode | UnsetType
    must: str


def test_a_code_is_kept_whatever_it_is() -> None:
    read = schema().reader(T + "Box", Open)
    assert read(parse(b'<b xmlns="urn:test"><must/><colour> Ultraviolet</colour></b>')).colour == " Ultraviolet"


@pytest.mark.parametrize(
    ("type_name", "fields", "words"),
    [
        ("Box", {"nowhere": str}, "has no nowhere"),
        ("Box", {"must": Decimal}, "not <class"),
        ("Box", {"left": str}, "not <class"),
        ("Box", {"part": str}, "comes often"),
        ("Box", {"must": tuple[str, ...]}, "comes once"),
        ("Twin", {"one": str}, "in two places"),
        ("Nothing", {"must": str}, "no type"),
    ],
)
def test_a_schema_that_does_not_fit_is_refused(type_name: str, fields: Mapping[str, Any], words: str) -> None:
    struct = msgspec.defstruct("Struct", list(fields.items()), bases=(Wire,), frozen=True)
    with pytest.raises(Unfit, match=words):
        schema().reader(T + type_name, struct)


def test_the_type_an_element_says_it_has() -> None:
    xsi = "http://www.w3.org/2001/XMLSchema-instance"
    element = etree.fromstring(
        f'<a xmlns="urn:a" xmlns:b="urn:b" xmlns:i="{xsi}" i:type=" b:T "><b i:type="T"/><c/></a>'
    )
    assert [type_of(each) for each in (element, element[0], element[1])] == ["{urn:b}T", "{urn:a}T", None]


sayable = st.text(
    st.characters(exclude_categories=["Cs"]).filter(lexical.sayable)
    | st.sampled_from("<>&'\"]]>\t\n\r \\%{}$;\x85\u2028")
)


@given(sayable, sayable, sayable)
def test_any_text_survives(key: str, must: str, word: str) -> None:
    written = escape(must, {"\r": "&#13;"}), escape(word, {"\r": "&#13;"})
    found = box(
        f"<must>{written[0]}</must><word>{written[1]}</word><word><![CDATA[x]]></word>", f"key={quoteattr(key)}"
    )
    assert (found.key, found.must, found.word) == (key, must, (word, "x"))


amounts = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**15), max_value=10**15)


@given(st.lists(amounts, min_size=11, max_size=11), st.booleans(), st.dates(), sayable)
def test_any_order_line_survives(numbers: list[Decimal], closed: bool, day: date, text: str) -> None:
    names = [
        "unitConversion",
        "quantity",
        "quantityCommitted",
        "quantityBackOrdered",
        "quantityPicked",
        "quantityPacked",
        "quantityFulfilled",
        "quantityBilled",
        "quantityCancelled",
        "quantityReturned",
        "amount",
    ]
    counts = "".join(f"<{name}>{format(count, 'f')}</{name}>" for name, count in zip(names, numbers, strict=True))
    said = escape(text, {"\r": "&#13;"})
    element = parse(
        f'<item xmlns="{SALES[1:-1]}"><line>1</line><lineUniqueKey>00</lineUniqueKey>'
        f"<item externalId={quoteattr(text)}/><units>{said}</units><baseUnits>EA</baseUnits>{counts}"
        f"<isClosed>{str(closed).lower()}</isClosed><promisedDate>{day}</promisedDate></item>".encode()
    )
    found = tables().reader(SALES + "SalesOrderItem", OrderLineRecord)(element)
    assert (found.line_unique_key, found.item, found.units) == ("00", Ref(text), text)
    told = [getattr(found, field.name) for field in msgspec.structs.fields(found) if field.encode_name in names]
    assert sorted(map(str, told)) == sorted(format(count, "f") for count in numbers)
    assert (found.is_closed, found.promised_date, found.rate) == (closed, day, UNSET)


def test_moments_are_the_domains() -> None:
    class Dated(Wire, frozen=True):
        tran_date: Moment

    read = tables().reader(SALES + "ReturnAuthorization", Dated)
    with pytest.raises(Malformed, match="lacks tranDate"):
        read(parse(f'<r xmlns="{SALES[1:-1]}"/>'.encode()))
