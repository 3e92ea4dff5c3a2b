"""The composed application on a real socket, over the demo's identity provider and sources that are down."""

import base64
import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from examples.distributor.fleet import Fleet
from examples.distributor.idp import DEMO_SECRET
from server import explorer, running
from server.app import RESOURCE, build
from server.environment import Misconfigured
from server.explorer import DIST
from server.settings import load
from server.telemetry import Telemetry
from tests.server.serving import served_beside

NOWHERE = "http://127.0.0.1:9"


def environment(idp: str, **more: str) -> dict[str, str]:
    """Settings of a Crossdock whose sources are down."""
    given = {
        "OIDC__CORP__ISSUER": idp,
        "OIDC__CORP__AUDIENCE": "crossdock",
        "ERP__KIND": "soap",
        "ERP__URL": NOWHERE,
        "WMS__KIND": "rest",
        "WMS__URL": NOWHERE,
    }
    return {f"CROSSDOCK_{name}": value for name, value in (given | more).items()}


@dataclass
class Served:
    asker: httpx.Client
    idp: str

    def token(self, persona: str) -> str:
        form = {"grant_type": "client_credentials", "client_id": persona, "client_secret": DEMO_SECRET}
        found: str = httpx.post(f"{self.idp}/token", data=form).json()["access_token"]
        return found

    def get(self, path: str, persona: str | None = None, **headers: str) -> httpx.Response:
        bearer = {"authorization": f"Bearer {self.token(persona)}"} if persona else {}
        return self.asker.get(path, headers=bearer | headers)

    def ask(self, query: str, persona: str = "buyer", **headers: str) -> httpx.Response:
        bearer = {"authorization": f"Bearer {self.token(persona)}"}
        return self.asker.post("/graphql", json={"query": query}, headers=bearer | headers)


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet.start(names=("idp",)) as fleet:
        yield fleet


@contextmanager
def serving(idp: str, **more: str) -> Iterator[Served]:
    with ExitStack() as stack:
        settings = load(environment(idp, **more))
        app = build(settings, running.engine(settings), Telemetry())
        address = stack.enter_context(served_beside(lambda _: app))
        yield Served(stack.enter_context(httpx.Client(base_url=address)), idp)


@pytest.fixture(scope="module")
def served(fleet: Fleet) -> Iterator[Served]:
    with serving(fleet.urls["idp"]) as served:
        yield served


def value(text: str, sample: str) -> float:
    found = re.search(rf"^crossdock_{re.escape(sample)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


# -- health and metrics ------------------------------------------------------------------------------------------------


def test_it_lives_and_is_ready_though_every_source_is_down(served: Served) -> None:
    assert (served.get("/healthz").status_code, served.get("/healthz").json()) == (200, {"status": "ok"})
    assert (served.get("/readyz").status_code, served.get("/readyz").json()) == (200, {"status": "ready"})


def test_how_each_source_does_is_told_to_operators_alone(served: Served) -> None:
    served.ask('{ order(number: "1") { number } }')
    told = served.get("/readyz", "operator").json()
    assert told["issuers"] == {"corp": {"keys": 2}}
    assert told["sources"]["erp"]["lastFailure"]
    assert told["sources"]["erp"].keys() == {"breaker", "lastSuccess", "lastFailure"}
    assert set(told["sources"]) == {"erp", "wms"}
    assert served.get("/readyz", "buyer").json() == {"status": "ready"}


def test_without_keys_it_is_not_ready_and_tries_again(fleet: Fleet) -> None:
    with serving(NOWHERE) as served:
        answer = served.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"status": "not ready"})
        assert served.get("/healthz").status_code == 200
        refused = served.asker.post("/graphql", json={"query": "{ __typename }"}, headers={"authorization": "Bearer x"})
        assert refused.status_code == 401


def test_metrics_are_for_operators_and_for_who_holds_the_scrapers_token(fleet: Fleet) -> None:
    with serving(fleet.urls["idp"], METRICS_TOKEN="scrape-me") as served:
        served.ask("query Me { viewer { kind } }")
        assert served.get("/metrics").status_code == 401
        assert served.get("/metrics", "buyer").status_code == 401
        assert served.get("/metrics", authorization="Bearer scrape-mee").status_code == 401
        for answer in (served.get("/metrics", "operator"), served.get("/metrics", authorization="Bearer scrape-me")):
            assert answer.headers["content-type"].startswith("text/plain")
            assert value(answer.text, 'http_requests_total{method="POST",route="/graphql",status="200"}') == 1
            assert value(answer.text, 'graphql_operations_total{kind="query"}') == 1
            assert value(answer.text, 'source_calls_total{operation="jwks",outcome="ok",source="idp:corp"}') == 1


def test_without_a_scrapers_token_nobody_passes_as_one(served: Served) -> None:
    for header in ("Bearer", "Bearer None", ""):
        assert served.get("/metrics", authorization=header).status_code == 401


# -- the graph ---------------------------------------------------------------------------------------------------------


def test_the_caller_is_who_the_token_says(served: Served) -> None:
    answer = served.ask("{ viewer { name kind scopes } }", "analyst")
    assert answer.json()["data"]["viewer"] == {
        "name": "Analyst",
        "kind": "ANALYST",
        "scopes": ["invoice:read", "order:read", "price:read"],
    }


def test_a_source_that_is_down_is_one_error_under_the_exchanges_id(served: Served) -> None:
    answer = served.ask('{ order(number: "1") { number } }', **{"x-correlation-id": "portal-1"})
    assert answer.status_code == 200
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "SOURCE_UNAVAILABLE"
    assert error["extensions"]["correlationId"] == "portal-1"
    assert "127.0.0.1" not in answer.text


def test_a_large_answer_is_compressed(served: Served) -> None:
    answer = served.ask("{ __schema { types { name description } } }", **{"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in served.ask("{ __typename }", **{"accept-encoding": "gzip"}).headers


def test_what_one_caller_has_is_not_taken_for_what_another_may_see(served: Served) -> None:
    asked = "/graphql?query={viewer{name%20kind}}"
    tag = served.get(asked, "buyer").headers["etag"]
    assert served.get(asked, "buyer", **{"if-none-match": tag}).status_code == 304
    other = served.get(asked, "analyst", **{"if-none-match": tag})
    assert other.json()["data"]["viewer"]["kind"] == "ANALYST"


def test_graphql_is_found_with_a_slash_too(served: Served) -> None:
    bearer = {"authorization": f"Bearer {served.token('buyer')}"}
    answer = served.asker.post("/graphql/", json={"query": "{ __typename }"}, headers=bearer)
    assert answer.json()["data"] == {"__typename": "Query"}


def test_a_token_signed_by_the_next_key_is_good(served: Served) -> None:
    httpx.post(f"{served.idp}/__rotate")
    assert served.ask("{ viewer { kind } }").json()["data"] == {"viewer": {"kind": "PORTAL_USER"}}


# -- everything else ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "NOT_FOUND"),
        ("GET", "/graphql/x", 404, "NOT_FOUND"),
        ("POST", "/healthz", 405, "BAD_USER_INPUT"),
        ("GET", "/graphiql/../../etc/passwd", 404, "NOT_FOUND"),
    ],
)
def test_other_errors_have_the_same_shape(served: Served, method: str, path: str, status: int, code: str) -> None:
    answer = served.asker.request(method, path)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["extensions"]["code"] == code
    assert answer.json()["errors"][0]["extensions"]["correlationId"] == answer.headers["x-correlation-id"]


@pytest.mark.parametrize("path", ["/graphql", "/healthz", "/nothing", "/graphiql/"])
def test_every_answer_carries_the_security_headers(served: Served, path: str) -> None:
    headers = served.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_clients_learn_where_to_sign_in(fleet: Fleet) -> None:
    with serving(fleet.urls["idp"], PUBLIC_URL="https://api.example.com/") as served:
        told = served.get(RESOURCE).json()
        assert told["authorization_servers"] == [served.idp]
        assert "order:read" in told["scopes_supported"]
        challenge = served.asker.post("/graphql").headers["www-authenticate"]
        assert f'resource_metadata="https://api.example.com{RESOURCE}"' in challenge
        page = served.ask("{ __typename }", origin="https://api.example.com")
        assert page.status_code == 200


def test_pages_of_named_sites_may_ask_and_no_others(fleet: Fleet) -> None:
    with serving(fleet.urls["idp"], ORIGINS="https://portal.example.com") as served:
        preflight = {
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type,x-cost-dry-run",
        }
        allowed = served.asker.options("/graphql", headers=preflight | {"origin": "https://portal.example.com"})
        assert allowed.headers["access-control-allow-origin"] == "https://portal.example.com"
        assert served.ask("{ __typename }", origin="https://portal.example.com").status_code == 200
        refused = served.asker.options("/graphql", headers=preflight | {"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in refused.headers
        assert served.ask("{ __typename }", origin="https://evil.example").status_code == 403


# -- GraphiQL ----------------------------------------------------------------------------------------------------------


def test_graphiql_is_served_from_our_own_files(served: Served) -> None:
    assert served.asker.get("/", follow_redirects=True).url.path == "/graphiql/"
    page = served.get("/graphiql/")
    assert page.text == (DIST / "index.html").read_text()
    assert page.headers["cache-control"] == "no-cache"
    assert "script-src" not in page.headers["content-security-policy"]
    asset = re.search(r'src="(/graphiql/assets/[^"]+\.js)"', page.text)
    assert asset
    kept = served.get(asset[1])
    assert kept.status_code == 200
    assert "immutable" in kept.headers["cache-control"]


def test_a_page_that_was_not_built_is_told_before_anything_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fleet: Fleet
) -> None:
    monkeypatch.setattr(explorer, "DIST", tmp_path)
    not_built = pytest.raises(Misconfigured, match="CROSSDOCK_GRAPHIQL: its page is not built; run `make web`")
    with not_built, serving(fleet.urls["idp"]):
        pass
    with serving(fleet.urls["idp"], GRAPHIQL="false") as served:
        assert served.get("/graphiql/").status_code == served.get("/").status_code == 404


def test_graphiql_is_told_the_saved_queries_and_no_personas(served: Served) -> None:
    answer = served.get("/graphiql/config.json")
    told: dict[str, Any] = answer.json()
    assert told["endpoint"] == "/graphql"
    assert told["personas"] == []
    assert all(each.keys() == {"name", "query", "variables"} for each in told["queries"])
    assert "Twenty orders with everything below them" in [each["name"] for each in told["queries"]]
    assert served.get("/graphiql/config.json", **{"if-none-match": answer.headers["etag"]}).status_code == 304
    assert served.get("/graphiql/token?persona=buyer").status_code == 404


@pytest.fixture(scope="module")
def demo(fleet: Fleet) -> Iterator[Served]:
    idp = fleet.urls["idp"]
    given = {
        "DEMO__TOKEN_URL": f"{idp}/token",
        "DEMO__SECRET": DEMO_SECRET,
        "DEMO__PERSONAS__BUYER": "Purchasing",
        "DEMO__PERSONAS__REP": "Sales",
        "DEMO__CLOCK_URL": f"{idp}/__clock",
    }
    with serving(idp, **given) as served:
        yield served


def test_in_the_demo_each_persona_has_a_token(demo: Served) -> None:
    assert demo.get("/graphiql/config.json").json()["personas"] == [
        {"name": "buyer", "description": "Purchasing"},
        {"name": "rep", "description": "Sales"},
    ]
    answer = demo.get("/graphiql/token?persona=rep")
    assert answer.json()["expires_in"] == 3600
    payload = answer.json()["access_token"].split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(payload + "=="))["sub"] == "persona-rep"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"host": "evil.example"}]
)
def test_pages_elsewhere_get_no_token_of_the_demo(demo: Served, headers: dict[str, str]) -> None:
    assert demo.get("/graphiql/token?persona=rep", **headers).status_code == 403


@pytest.mark.parametrize("persona", ["", "operator", "feed", "rep&client_id=feed"])
def test_only_the_demos_personas_have_tokens(demo: Served, persona: str) -> None:
    answer = demo.asker.get("/graphiql/token", params={"persona": persona})
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["message"] == "The personas are buyer, rep."


def test_in_the_demo_time_is_the_simulated_companys(demo: Served, fleet: Fleet) -> None:
    fleet.advance(10 * 86_400)
    today, failed, ends = fleet.now().date().isoformat(), "", time.monotonic() + 20
    while not failed.startswith(today) and time.monotonic() < ends:
        time.sleep(0.2)
        demo.ask('{ order(number: "1") { number } }')
        failed = demo.get("/readyz", "operator").json()["sources"]["erp"]["lastFailure"]
    assert failed.startswith(today)


def test_a_token_on_the_issuers_list_is_turned_away(fleet: Fleet, tmp_path: Path) -> None:
    listed = tmp_path / "revoked.json"
    listed.write_text("{}")
    with serving(fleet.urls["idp"], OIDC__CORP__REVOCATIONS=str(listed)) as served:
        bearer = {"authorization": f"Bearer {served.token('buyer')}"}

        def status() -> int:
            return served.asker.post("/graphql", json={"query": "{ __typename }"}, headers=bearer).status_code

        assert status() == 200
        listed.write_text(json.dumps({"subjects": {"persona-buyer": "2100-01-01T00:00:00Z"}}))
        while status() == 200:
            time.sleep(0.05)
        assert status() == 401
        assert served.ask("{ __typename }", persona="rep").status_code == 200
