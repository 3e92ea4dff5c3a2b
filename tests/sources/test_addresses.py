"""No address or header leads anywhere but to the source that was configured."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.addresses import Addresses, NotAllowed, checked

ERP = Addresses("https://erp.example/api/v1/", "https://Login.example:8443/token")


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/orders/...", "https://erp.example/api/v1/orders/..."),
        ("/orders/%252e", "https://erp.example/api/v1/orders/%252e"),
        ("/orders?path=/../x", "https://erp.example/api/v1/orders?path=/../x"),
        ("", "https://erp.example/api/v1"),
        ("orders", "https://erp.example/api/v1/orders"),
        ("/orders", "https://erp.example/api/v1/orders"),
        ("?wsdl", "https://erp.example/api/v1?wsdl"),
        ("//evil.example/x", "https://erp.example/api/v1//evil.example/x"),
        ("@evil.example/x", "https://erp.example/api/v1/@evil.example/x"),
        ("https://erp.example/next?page=2", "https://erp.example/next?page=2"),
        ("https://ERP.example:443/next", "https://erp.example/next"),
        ("https://login.example:8443/token", "https://Login.example:8443/token"),
    ],
)
def test_what_is_the_sources_own(path: str, address: str) -> None:
    assert ERP.resolve(path) == address


@pytest.mark.parametrize(
    "path",
    [
        "http://erp.example/next",
        "https://erp.example:8443/next",
        "https://login.example/token",
        "https://evil.example/",
        "https://erp.example.evil.example/",
        "https://erp.example@evil.example/",
        "https://user@erp.example/",
        "https://evil.example\\@erp.example/",
        "https://erp.example\\.evil.example/",
        "https://[::1",
        "https://erp.example:port/",
        "https://",
        "/../admin",
        "orders/..",
        "/orders/%2e%2E/admin",
        "/orders/..#/x",
        "/orders/%2E?x=1",
        "/./x",
        "/a b",
        "/a\r\nHost: evil.example",
        "/a\0",
        "/a\\..\\b",
    ],
)
def test_what_is_not(path: str) -> None:
    with pytest.raises(NotAllowed):
        ERP.resolve(path)


@given(st.text(alphabet="htps:/@\\.[]#?%evilerpxam2\t\n ", max_size=40))
def test_whatever_is_said_the_host_is_ours(path: str) -> None:
    for said in (path, f"https://{path}", f"https://erp.example{path}"):
        try:
            parts = urlsplit(ERP.resolve(said))
        except NotAllowed:
            continue
        assert (parts.scheme, parts.netloc) in {("https", "erp.example"), ("https", "Login.example:8443")}


def test_parameters_follow_what_is_there() -> None:
    assert ERP.resolve("/o", {"a b": "c&d=é/+"}) == "https://erp.example/api/v1/o?a%20b=c%26d%3D%C3%A9%2F%2B"
    assert ERP.resolve("/o?x=1", [("y", "1"), ("y", "2")]) == "https://erp.example/api/v1/o?x=1&y=1&y=2"


def test_good_headers_pass() -> None:
    headers = {"Authorization": "Bearer a.b-c_d~e+f/g=", "X-Empty": "", "X-Tab": "a\tb"}
    assert checked(headers) == headers
