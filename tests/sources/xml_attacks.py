"""XML that parsers have fallen to: the lists of defusedxml and OWASP, and what libxml2's own limits leave."""

from sources.erp_soap.parsing import AT_ONCE

MIB = 1024 * 1024
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))


def doctype(declarations: str, inside: str = "&x;") -> str:
    return f"<!DOCTYPE a [{declarations}]><a>{inside}</a>"


ATTACKS = {
    "billion laughs": doctype(f'<!ENTITY l0 "ha">{LAUGHS}', "&l11;"),
    "billion laughs in an attribute": f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><a b="&l11;"/>',
    "billion laughs of parameter entities": doctype(
        '<!ENTITY % l0 "&#x3c;!ENTITY y 0&#x3e;">'
        + "".join(f'<!ENTITY % l{n} "{f"&#x25;l{n - 1};" * 10}">' for n in range(1, 9))
        + "%l8;",
        "",
    ),
    "quadratic blowup": doctype(f'<!ENTITY x "{"x" * 50_000}">', "&x;" * 5_000),
    "an entity of itself": doctype('<!ENTITY x "&x;">'),
    "external entity": doctype('<!ENTITY x SYSTEM "file:///etc/passwd">'),
    "external entity without end": doctype('<!ENTITY x SYSTEM "file:///dev/zero">'),
    "external entity over http": doctype('<!ENTITY x SYSTEM "http://127.0.0.1:9/">'),
    "parameter entity": '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x.dtd"> %x;]><a/>',
    "external DTD": '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>',
    "public DTD": '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "x.dtd"><html/>',
    "empty DOCTYPE": "<!DOCTYPE a><a/>",
    "defaults of a million attributes": doctype(
        "<!ATTLIST b " + " ".join(f'a{n} CDATA "{"x" * 100}"' for n in range(1000)) + ">", "<b/>" * 10_000
    ),
    "undeclared entity": "<a>&nbsp;</a>",
    "deep": "<a>" * 100_000,
    "deep and closed": "<a>" * 300 + "</a>" * 300,
    "many attributes": "<a " + " ".join(f'a{n}="1"' for n in range(AT_ONCE)) + "/>",
    "many namespaces": "<a " + " ".join(f'xmlns:a{n}="urn:{n}"' for n in range(AT_ONCE)) + "/>",
    "many elements": f"<a>{'<b/>' * 2 * AT_ONCE}</a>",
    "an endless name": f"<{'a' * 11 * MIB}/>",
    "an endless text": f"<a>{'x' * 11 * MIB}</a>",
    "an endless comment": f"<a><!--{'x' * 11 * MIB}--></a",
    "XML 1.1 controls": '<?xml version="1.1"?><a>&#1;</a>',
    "a control character": "<a>\x01</a>",
    "a null": "<a>\x00</a>",
    "a null reference": "<a>&#0;</a>",
    "two roots": "<a/><a/>",
    "nothing": "",
    "white space": "   ",
    "JSON": '{"a": 1}',
    "HTML": "<!doctype html><title>Please log in</title>",
    "cut": "<a><b>1</b",
    "the same attribute twice": '<a b="1" b="2"/>',
    "the same attribute by two prefixes": '<a xmlns:x="urn:a" xmlns:y="urn:a" x:b="1" y:b="2"/>',
    "an undeclared prefix": "<x:a/>",
    "an encoding nobody has": '<?xml version="1.0" encoding="x-klingon"?><a/>',
    "an encoding that is another": '<?xml version="1.0" encoding="UTF-16"?><a/>',
    "UTF-7": '<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a+AD4APA-a/+AD4-',
    "EBCDIC by its word": '<?xml version="1.0" encoding="cp037"?><a/>',
}
"""No parser of ours may read any of these."""

UNREAD = {
    "UTF-16 DOCTYPE": doctype('<!ENTITY x SYSTEM "file:///etc/passwd">').encode("utf-16"),
    "UTF-32 DOCTYPE": doctype('<!ENTITY x SYSTEM "file:///etc/passwd">').encode("utf-32"),
    "bad UTF-8": b"<a>\xff\xfe\xfa</a>",
    "overlong UTF-8": b"<a>\xc0\xbc</a>",
}
"""Neither these bytes."""
