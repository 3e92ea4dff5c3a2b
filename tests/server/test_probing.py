"""``crossdock check-sources`` against the simulated systems: what is well, what is not, which setting mends it."""

from collections.abc import Iterator, Mapping

import pytest
from typer.testing import CliRunner

from examples.distributor.environment import environment
from examples.distributor.fleet import SIMULATORS, Fleet
from server import probing, settings
from server.cli import app
from tests.contract import upstream

SOURCES = ("erp", "wms", "ups", "fedex", "usps", "dhl", "ltl")
SECRET = "correct-horse-battery-staple"


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet.start(SOURCES) as fleet:
        yield fleet


@pytest.fixture
def environ(fleet: Fleet) -> Iterator[dict[str, str]]:
    urls = dict.fromkeys(SIMULATORS, "http://127.0.0.1:9") | dict(fleet.urls)
    yield {name: value for name, value in environment(urls).items() if "DEMO__" not in name or "OIDC" in name}
    fleet.clear_faults()


def told(environ: Mapping[str, str], *words: str, code: int = 1) -> dict[str, str]:
    """Each source's line, by its name."""
    done = CliRunner().invoke(app, ["check-sources", *words], env=environ)
    assert done.exit_code == code, (done.output, done.exception)
    return {line.split()[1]: line for line in done.stdout.splitlines()}


def test_each_source_that_is_well_says_so(environ: dict[str, str]) -> None:
    lines = told(environ, code=0)
    assert list(lines) == list(SOURCES)
    assert all(line.startswith("ok ") for line in lines.values())
    assert "description, orders, accounts, invoices, returns as expected" in lines["erp"]
    assert "shipments, work as expected" in lines["wms"]
    assert all("tracking as expected" in lines[name] for name in SOURCES[2:])


def test_who_is_not_let_in_is_told_which_settings(environ: dict[str, str]) -> None:
    for name in ("ERP__PASSWORD", "WMS__PASSWORD", "CARRIERS__UPS__CLIENT_SECRET", "CARRIERS__DHL__PASSWORD"):
        environ[f"CROSSDOCK_{name}"] = SECRET
    lines = told(environ)
    for name, setting in (
        ("erp", "CROSSDOCK_ERP__USERNAME, CROSSDOCK_ERP__PASSWORD"),
        ("wms", "CROSSDOCK_WMS__PASSWORD"),
        ("ups", "CROSSDOCK_CARRIERS__UPS__CLIENT_ID, CROSSDOCK_CARRIERS__UPS__CLIENT_SECRET"),
        ("dhl", "CROSSDOCK_CARRIERS__DHL__PASSWORD"),
    ):
        assert lines[name].startswith("FAILS"), lines[name]
        assert "does not let us in (" in lines[name]
        assert f"see {setting}" in lines[name]
    assert {name for name, line in lines.items() if line.startswith("ok ")} == {"fedex", "usps", "ltl"}
    assert SECRET not in "".join(lines.values())


def test_silence_ends_at_the_deadline(environ: dict[str, str], fleet: Fleet) -> None:
    fleet.fault("wms", hang=True)
    fleet.fault("ups", hang=True)
    environ["CROSSDOCK_WMS__LIMITS__DEADLINE"] = "0.5"
    environ["CROSSDOCK_CARRIERS__UPS__LIMITS__DEADLINE"] = "60"
    lines = told(environ, "--deadline", "5")
    assert "no answer in time" in lines["wms"]
    assert "raise CROSSDOCK_WMS__LIMITS__DEADLINE" in lines["wms"]
    assert "no answer within 5 s; see CROSSDOCK_CARRIERS__UPS__URL" in lines["ups"]
    assert lines["erp"].startswith("ok ")


def test_a_wrong_address_and_another_shape_are_told_apart(environ: dict[str, str], fleet: Fleet) -> None:
    environ["CROSSDOCK_ERP__URL"] = "http://127.0.0.1:9"
    environ["CROSSDOCK_CARRIERS__DHL__URL"] += "/elsewhere"
    fleet.fault("wms", malformed="garble")
    lines = told(environ)
    assert "cannot be reached" in lines["erp"]
    assert "see CROSSDOCK_ERP__URL" in lines["erp"]
    assert "another shape than expected" in lines["wms"]
    assert "CROSSDOCK_CARRIERS__DHL__URL" in lines["dhl"]


async def test_a_wsdl_that_drifted_is_another_shape(environ: dict[str, str], fleet: Fleet) -> None:
    async with upstream.upstream(fleet.urls["erp"]) as door:
        door.fault = upstream.altered(lambda told: told.replace(b'"orderStatus"', b'"orderState"'))
        environ["CROSSDOCK_ERP__URL"] = f"{door.url}/services/Distribution"
        found = {each.source: each for each in await probing.probe(settings.load(environ), 30.0)}
    assert "another shape than expected" in found["erp"].wrong
    assert "orderStatus" in found["erp"].wrong
    assert not found["erp"].answered
    assert not found["wms"].wrong


def test_an_error_that_repeats_a_secret_is_masked() -> None:
    given = environment(dict.fromkeys(SIMULATORS, "http://127.0.0.1:9")) | {"CROSSDOCK_ERP__PASSWORD": SECRET}
    source = settings.load(given).erp
    assert probing._unsecret(f"no {SECRET}!", source) == "no **********!"


def test_wrong_settings_are_told_as_ever() -> None:
    done = CliRunner().invoke(app, ["check-sources"], env={"CROSSDOCK_PORT": "x"})
    assert done.exit_code == 2
    assert "CROSSDOCK_PORT: " in done.stderr
