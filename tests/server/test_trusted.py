"""Persisted documents are run by their names over every transport, and with a safelist nothing else is."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from engine.execute import Prepared
from examples.distributor.fleet import Fleet
from server import running, trusted
from server.environment import Misconfigured
from server.graphql_request import JSON, RESPONSE
from server.settings import QUERIES, load
from tests.server.test_app import Served, serving
from tests.server.test_settings import GOOD, problems

KIND = "query Kind { viewer { kind } }"
NAME = "query Name { viewer { name } }"
TOUCH = "mutation Touch { reconcile { __typename } }"
FOLLOW = "subscription Follow { customerActivity { id } }"
DOCUMENTS = {"kind": KIND, "touch": TOUCH, "follow": FOLLOW}
UNKNOWN = "0" * 64


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


NAMES: Mapping[str, Mapping[str, Any]] = {
    "as the manifest has it": {"documentId": "kind"},
    "by its digest": {"documentId": sha256(KIND)},
    "by its prefixed digest": {"documentId": f"sha256:{sha256(KIND)}"},
    "as Apollo's clients do": {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256(KIND)}}},
    "with its text": {"query": KIND, "documentId": sha256(KIND)},
    "by its text": {"query": KIND},
}
ANSWER = {"viewer": {"kind": "PORTAL_USER"}}


@pytest.fixture(scope="module")
def idp() -> Iterator[str]:
    with Fleet.start(names=("idp",)) as fleet:
        yield fleet.urls["idp"]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("persisted") / "persisted-documents.json"
    file.write_text(json.dumps(DOCUMENTS))
    return file


@pytest.fixture(scope="module")
def free(idp: str, manifest: Path) -> Iterator[Served]:
    with serving(idp, PERSISTED=str(manifest)) as served:
        yield served


@pytest.fixture(scope="module")
def safe(idp: str, manifest: Path) -> Iterator[Served]:
    with serving(idp, PERSISTED=str(manifest), SAFELIST="on") as served:
        yield served


def post(served: Served, persona: str = "buyer", accept: str = JSON, **body: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {served.token(persona)}", "accept": accept}
    return served.asker.post("/graphql", json=body, headers=headers)


def get(served: Served, **given: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {served.token('buyer')}"}
    params = {name: each if isinstance(each, str) else json.dumps(each) for name, each in given.items()}
    return served.asker.get("/graphql", params=params, headers=headers)


def code(answer: httpx.Response) -> str:
    (error,) = answer.json()["errors"]
    found: str = error["extensions"]["code"]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_document_may_be_named_in_each_way(free: Served, safe: Served, name: str) -> None:
    for served in (free, safe):
        assert post(served, **NAMES[name]).json()["data"] == ANSWER
        assert get(served, **NAMES[name]).json()["data"] == ANSWER


def over_socket(served: Served, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The first thing told of an operation."""
    address = str(served.asker.base_url).replace("http://", "ws://").rstrip("/")
    with connect(f"{address}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")], compression=None) as socket:
        initialise = {"type": "connection_init", "payload": {"authorization": f"Bearer {served.token('buyer')}"}}
        socket.send(json.dumps(initialise))
        assert json.loads(socket.recv(10))["type"] == "connection_ack"
        socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
        told: dict[str, Any] = json.loads(socket.recv(10))
        return told


@pytest.mark.parametrize("name", NAMES)
def test_a_document_may_be_named_over_a_socket(safe: Served, name: str) -> None:
    assert over_socket(safe, NAMES[name])["payload"]["data"] == ANSWER


def test_what_is_not_persisted_is_not_run_over_a_socket_either(safe: Served) -> None:
    told = over_socket(safe, {"query": NAME})
    assert told["type"] == "error"
    assert told["payload"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"


def test_a_document_may_be_named_for_an_event_stream(safe: Served) -> None:
    answer = post(safe, accept="text/event-stream", documentId="kind")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert json.dumps(ANSWER, separators=(",", ":")) in answer.text
    assert post(safe, accept="text/event-stream", query=NAME).status_code == 403


@pytest.mark.parametrize("accept", [JSON, RESPONSE])
def test_a_name_that_is_not_known_is_told_in_the_words_of_apollos_clients(free: Served, accept: str) -> None:
    hashed = {"persistedQuery": {"version": 1, "sha256Hash": UNKNOWN}}
    for body in ({"documentId": UNKNOWN}, {"extensions": hashed}):
        answer = post(free, accept=accept, **body)
        assert answer.status_code == (200 if accept == JSON else 400)
        assert code(answer) == "PERSISTED_QUERY_NOT_FOUND"
        assert answer.json()["errors"][0]["message"] == "PersistedQueryNotFound"
    assert post(free, accept=accept, query=NAME, extensions=hashed).json()["data"]["viewer"]["name"]


def test_a_name_that_is_anothers_is_refused(free: Served) -> None:
    assert post(free, query=NAME, documentId="kind").status_code == 400


@pytest.mark.parametrize(
    "extensions", [{"persistedQuery": 1}, {"persistedQuery": {}}, {"persistedQuery": {"sha256Hash": 7}}]
)
def test_a_name_that_is_none_is_refused(free: Served, extensions: Any) -> None:
    assert post(free, extensions=extensions).status_code == 400


@pytest.mark.parametrize("query", [NAME, "{ nothing }", "{", "{ __schema { types { name } } }", f"{KIND} "])
def test_a_safelist_reads_nothing_else(safe: Served, query: str) -> None:
    answer = post(safe, "operator", query=query)
    assert (answer.status_code, code(answer)) == (403, "PERSISTED_QUERY_NOT_FOUND")
    assert answer.json()["errors"][0]["message"] == "Only persisted documents are run here."


def test_a_safelist_may_leave_out_who_has_a_scope(idp: str, manifest: Path) -> None:
    with serving(idp, PERSISTED=str(manifest), SAFELIST="ops:read") as served:
        assert post(served, "operator", query="{ viewer { kind } }").json()["data"] == {"viewer": {"kind": "OPERATOR"}}
        assert post(served, "buyer", query="{ viewer { kind } }").status_code == 403


def test_by_get_only_persisted_documents_are_asked_for_and_no_mutation_is(free: Served, idp: str) -> None:
    refused = get(free, query=NAME)
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert get(free, documentId="touch").status_code == 405
    with serving(idp) as served:
        assert get(served, query=NAME).json()["data"]["viewer"]
        assert get(served, documentId="kind").json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"


def test_a_dry_run_may_name_its_document(free: Served) -> None:
    headers = {"authorization": f"Bearer {free.token('buyer')}", "x-cost-dry-run": "true"}
    answer = free.asker.post("/graphql", json={"documentId": "kind"}, headers=headers)
    assert answer.json() == {"data": None, "extensions": {"cost": {"requested": 0, "limit": 5_000}}}


# -- at start ----------------------------------------------------------------------------------------------------------


def apollo(documents: Mapping[str, str]) -> str:
    operations = [{"id": id_, "name": id_, "type": "query", "body": body} for id_, body in documents.items()]
    return json.dumps({"format": trusted.APOLLO, "version": 1, "operations": operations})


@pytest.mark.parametrize("text", [json.dumps(DOCUMENTS), apollo(DOCUMENTS)], ids=["hashes", "Apollo"])
def test_the_manifests_of_the_usual_tools_are_read(tmp_path: Path, text: str) -> None:
    file = tmp_path / "manifest.json"
    file.write_text(text)
    assert {each.id: each.text for each in trusted.read(file)} == DOCUMENTS


def test_a_folder_of_documents_is_planned_before_it_is_asked_for() -> None:
    settings = load(GOOD | {"CROSSDOCK_PERSISTED": str(QUERIES), "CROSSDOCK_ENGINE": "adaptive"})
    engine = running.engine(settings)
    documents = trusted.read(settings.persisted)
    assert {each.id for each in documents} == {path.stem for path in QUERIES.glob("*.graphql")}
    for each in documents:
        prepared = engine.prepare(each.text)
        assert isinstance(prepared, Prepared)
        assert [plan for (known, *_), plan in engine._plans.items() if known is prepared and plan], each


BROKEN: Mapping[str, tuple[str, str]] = {
    "unknown field": (
        json.dumps({"a": "query Mine {\n  viewer { nam }\n}"}),
        ", Mine at 2:12: Cannot query field 'nam' on type 'Viewer'. Did you mean 'name'? Mend the document,",
    ),
    "no GraphQL": (json.dumps({"a": "{"}), ", a at 1:2: Syntax Error: Expected Name, found <EOF>. Mend the document,"),
    "too large": (json.dumps({"a": "query Deep " + "{a" * 21 + "}" * 21}), ", Deep: The document has 21 levels"),
    "no JSON": ("{", " is not JSON ("),
    "a list": ("[]", " is no manifest that we know; give a folder of .graphql files, or a manifest"),
    "a number": ('{"a": 1}', " is no manifest that we know"),
    "nothing": ("{}", " holds no document; give a folder"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_document_that_could_not_run_is_named_with_its_file_before_anything_is_served(
    tmp_path: Path, case: str
) -> None:
    text, says = BROKEN[case]
    file = tmp_path / "persisted.json"
    file.write_text(text)
    with pytest.raises(Misconfigured) as caught:
        running.engine(load(GOOD | {"CROSSDOCK_PERSISTED": str(file)}))
    assert str(caught.value).startswith(f"CROSSDOCK_PERSISTED: {file}{says}")


def test_a_place_where_nothing_is_is_told() -> None:
    (problem,) = problems(PERSISTED="/nowhere/at/all")
    assert problem.startswith("CROSSDOCK_PERSISTED: is neither a folder nor a file that is there; give the persisted")


@pytest.mark.parametrize("given", [{"SAFELIST": "on"}, {"GET": "persisted"}])
def test_a_safelist_of_nothing_is_told(given: dict[str, str]) -> None:
    (problem,) = problems(**given)
    (name,) = given
    assert problem.startswith(f"CROSSDOCK_{name}: leaves nothing to run, as nothing is persisted; give CROSSDOCK_PERS")
