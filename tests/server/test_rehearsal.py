"""What an adapter lacks is told before anything is served."""

import pytest

from server import rehearsal
from server.environment import Misconfigured
from server.settings import load
from tests.server.test_settings import GOOD


def said(**changes: str) -> list[str]:
    with pytest.raises(Misconfigured) as caught:
        rehearsal.check(load(GOOD | {f"CROSSDOCK_{name}": value for name, value in changes.items()}))
    return [str(problem) for problem in caught.value.problems]


def carrier(name: str, kind: str) -> dict[str, str]:
    return {f"CARRIERS__{name}__KIND": kind, f"CARRIERS__{name}__URL": "https://carrier.example.com"}


def test_a_complete_estate_passes() -> None:
    rehearsal.check(load(GOOD))


def test_unknown_kinds_are_named_with_the_known_ones() -> None:
    assert said(ERP__KIND="cobol", WMS__KIND="fax", **carrier("ACME", "acme")) == [
        "CROSSDOCK_ERP__KIND: 'cobol' is no kind we know; give one of soap",
        "CROSSDOCK_WMS__KIND: 'fax' is no kind we know; give one of rest",
        "CROSSDOCK_CARRIERS__ACME__KIND: 'acme' is no kind we know; give one of ups, fedex, usps, dhl, x12_214",
    ]


def test_credentials_an_adapter_needs_are_asked_for() -> None:
    (problem,) = said(**carrier("UPS", "ups"))
    assert problem == "CROSSDOCK_CARRIERS__UPS: ups: OAuth 2.0 needs token_url, client_id and client_secret"


def test_two_carriers_may_not_answer_for_one_code() -> None:
    (problem,) = said(**carrier("DHL", "dhl"), **carrier("DHL_EU", "dhl"))
    assert problem == "CROSSDOCK_CARRIERS__DHL_EU: answers for DHLE, as CROSSDOCK_CARRIERS__DHL does; remove one"


def test_a_carrier_may_not_take_another_sources_name() -> None:
    (problem,) = said(**carrier("WMS", "dhl"))
    assert problem == "CROSSDOCK_CARRIERS__WMS: is the name of another source; give the carrier another"


def test_memory_that_replicas_may_share_needs_a_secret_that_they_share() -> None:
    (problem,) = said(STORE__URL="postgresql://crossdock@db/crossdock")
    assert problem.startswith("CROSSDOCK_SECRET: is not set; give the secret that cursors and links are made with")
    shared = {"CROSSDOCK_STORE__URL": "postgresql://crossdock@db/crossdock", "CROSSDOCK_SECRET": "s" * 32}
    rehearsal.check(load(GOOD | shared))
