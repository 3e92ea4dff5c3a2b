"""Settings are read from every place they may be given, and whatever is wrong is named with its remedy."""

from dataclasses import asdict
from pathlib import Path

import pytest

from domain.access import PrincipalKind
from server.environment import Misconfigured
from server.sections import Lifetimes as LifetimesSection
from server.sections import Limits as LimitsSection
from server.settings import load, masked
from sources.config import Lifetimes, Limits

GOOD = {
    "CROSSDOCK_OIDC__CORP__ISSUER": "https://id.example.com",
    "CROSSDOCK_OIDC__CORP__AUDIENCE": "crossdock",
    "CROSSDOCK_ERP__KIND": "soap",
    "CROSSDOCK_ERP__URL": "https://erp.example.com/soap?wsdl",
    "CROSSDOCK_WMS__KIND": "rest",
    "CROSSDOCK_WMS__URL": "http://wms.internal:8080/api",
}


def problems(**changes: str) -> list[str]:
    """What is said of good settings once changed."""
    with pytest.raises(Misconfigured) as caught:
        load(GOOD | {f"CROSSDOCK_{name}": value for name, value in changes.items()})
    return [str(problem) for problem in caught.value.problems]


def test_the_least_that_must_be_given_is_enough() -> None:
    settings = load(GOOD)
    assert settings.port == 8000
    assert settings.demo is None
    assert settings.oidc["corp"].algorithms == {"RS256", "ES256"}


def test_sections_become_the_estates_configuration() -> None:
    estate = load(
        GOOD
        | {
            "CROSSDOCK_ERP__USERNAME": "svc",
            "CROSSDOCK_ERP__PASSWORD": "p__w=1",
            "CROSSDOCK_ERP__LIMITS__DEADLINE": "2.5",
            "CROSSDOCK_CARRIERS__OWN_FLEET__KIND": "x12",
            "CROSSDOCK_CARRIERS__OWN_FLEET__URL": "https://fleet.example.com",
            "CROSSDOCK_CARRIERS__UPS__KIND": "ups",
            "CROSSDOCK_CARRIERS__UPS__URL": "https://ups.example.com",
            "CROSSDOCK_CARRIERS__UPS__CLIENT_SECRET": "s",
            "CROSSDOCK_LIFETIMES__ORDERS": "7",
        }
    ).estate()
    assert (estate.erp_kind, estate.erp.name, estate.erp.username, estate.erp.password) == (
        "soap",
        "erp",
        "svc",
        "p__w=1",
    )
    assert estate.erp.limits == Limits(deadline=2.5)
    assert estate.wms.limits == Limits()
    assert {source.name: (kind, source.client_secret) for kind, source in estate.carriers} == {
        "own_fleet": ("x12", None),
        "ups": ("ups", "s"),
    }
    assert estate.lifetimes == Lifetimes(orders=7)


def test_sections_hold_every_limit_and_lifetime_with_its_default() -> None:
    assert LimitsSection().model_dump() == asdict(Limits())
    assert LifetimesSection().model_dump() == asdict(Lifetimes())


def test_lists_are_separated_by_commas_or_spaces() -> None:
    settings = load(
        GOOD | {"CROSSDOCK_OIDC__CORP__ALGORITHMS": "PS256, EdDSA ES256", "CROSSDOCK_ORIGINS": "https://A.example"}
    )
    assert settings.oidc["corp"].algorithms == {"PS256", "EdDSA", "ES256"}
    assert settings.origins == {"https://a.example"}


def test_a_toml_file_gives_settings_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / "crossdock.toml"
    file.write_text(
        """
        port = 9000
        host = "0.0.0.0"
        [oidc.corp]
        issuer = "https://id.example.com"
        audience = "crossdock"
        algorithms = ["ES256"]
        kinds = { staff = "SERVICE" }
        [erp]
        kind = "soap"
        url = "https://erp.example.com"
        limits.concurrency = 4
        [wms]
        kind = "rest"
        url = "https://wms.example.com"
        """
    )
    settings = load({"CROSSDOCK_CONFIG": str(file), "CROSSDOCK_PORT": "9001", "CROSSDOCK_HOST": ""})
    assert (settings.host, settings.port) == ("0.0.0.0", 9001)
    assert settings.erp.limits.concurrency == 4
    assert settings.oidc["corp"].kinds == {"staff": PrincipalKind.SERVICE}


def test_a_dotenv_file_gives_settings(tmp_path: Path) -> None:
    file = tmp_path / "production.env"
    file.write_text(
        "\n".join(f"{name}={value}" for name, value in GOOD.items()) + "\nCROSSDOCK_PORT='9000'\nPATH=/bin\n"
    )
    assert load({"CROSSDOCK_CONFIG": str(file)}).port == 9000


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(" pass word \n")
    settings = load(GOOD | {"CROSSDOCK_ERP__PASSWORD_FILE": str(file)})
    assert settings.estate().erp.password == " pass word "


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(Misconfigured) as caught:
        load({"CROSSDOCK_PORT": "x", "CROSSDOCK_ERP_URL": "https://erp.example.com"})
    assert {problem.name for problem in caught.value.problems} == {
        "CROSSDOCK_PORT",
        "CROSSDOCK_ERP_URL",
        "CROSSDOCK_OIDC",
        "CROSSDOCK_ERP__KIND",
        "CROSSDOCK_ERP__URL",
        "CROSSDOCK_WMS__KIND",
        "CROSSDOCK_WMS__URL",
    }


WRONG = {
    "SECRET": ("s" * 31, "is shorter than 32 characters"),
    "PORT": ("65536", "less than or equal to 65535"),
    "HOST_": ("x", "did you mean CROSSDOCK_HOST?"),
    "ERP_URL": ("x", "did you mean CROSSDOCK_ERP__URL?"),
    "CARRIERS__UPS__CLIENTID": ("x", "did you mean CROSSDOCK_CARRIERS__UPS__CLIENT_ID?"),
    "XYZZY": ("x", "remove it"),
    "ERP__URL": ("ftp://erp", "is not an http or https address; give its address"),
    "WMS__URL": ("https://user:pw@wms", "must hold no user, password or fragment"),
    "OIDC__CORP__ISSUER": ("http://id.example.com", "must be https; give the identity provider's issuer"),
    "OIDC__CORP__JWKS_URL": ("http://id.example.com/jwks", "must be https"),
    "OIDC__CORP__ALGORITHMS": ("HS256", "give signature algorithms to accept"),
    "OIDC__CORP__LEEWAY": ("61", "less than or equal to 60"),
    "OIDC__CORP__KINDS__STAFF": ("boss", "give its words for the kinds of caller"),
    "OIDC__CORP__DEFAULT_KIND": ("boss", "give the kind of a caller"),
    "ERP__LIMITS__CONCURRENCY": ("0", "greater than 0; give calls at once"),
    "LIFETIMES__ORDERS": ("soon", "valid number"),
    "DEADLINE": ("0", "greater than 0; give seconds a request may take in all"),
    "INTROSPECTION": ("order:write", "neither on, off nor a scope"),
    "GRAPHIQL": ("perhaps", "give whether to serve GraphiQL"),
    "QUERIES": ("/nowhere/at/all", "give the folder of saved queries"),
    "ORIGINS": ("https://portal.example.com/path", "must be scheme, host and port only"),
    "LOG_LEVEL": ("loud", "give the least level to log"),
    "CARRIERS__DHL__URL": ("https://dhl.example.com", "CROSSDOCK_CARRIERS__DHL__KIND: is not set"),
    "DEMO__SECRET": ("s", "CROSSDOCK_DEMO__TOKEN_URL: is not set"),
    "ERP": ("soap", "is given both as a value and as a section"),
    "ERP__PASSWORD_FILE": ("/nowhere/at/all", "cannot be read (No such file or directory)"),
    "CONFIG": ("/nowhere/at/all.toml", "cannot be read (No such file or directory)"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named_with_its_remedy(name: str) -> None:
    value, remedy = WRONG[name]
    named = remedy if remedy.startswith("CROSSDOCK_") else f"CROSSDOCK_{name}: "
    (said,) = [said for said in problems(**{name: value}) if said.startswith(named)]
    assert remedy in said


def test_a_file_that_is_not_what_it_should_be_is_named(tmp_path: Path) -> None:
    toml, binary = tmp_path / "a.toml", tmp_path / "b"
    toml.write_text("port = ")
    binary.write_bytes(b"\xff")
    assert problems(CONFIG=str(toml))[0].startswith(f"CROSSDOCK_CONFIG: {toml} cannot be understood")
    assert problems(ERP__PASSWORD_FILE=str(binary)) == [f"CROSSDOCK_ERP__PASSWORD_FILE: {binary} is not UTF-8 text"]


def test_a_value_and_its_file_exclude_each_other(tmp_path: Path) -> None:
    (said,) = problems(ERP__PASSWORD="a", ERP__PASSWORD_FILE=str(tmp_path))[:1]
    assert said == "CROSSDOCK_ERP__PASSWORD: is given twice; remove it or CROSSDOCK_ERP__PASSWORD_FILE"


def test_no_problem_repeats_a_secret() -> None:
    said = problems(METRICS_TOKEN="s3cr3t", ERP__PASSWORD="s3cr3t", ERP__PASWORD="s3cr3t", PORT="x")
    assert len(said) == 2
    assert "s3cr3t" not in "".join(said)


def test_the_effective_configuration_is_shown_without_secrets() -> None:
    shown = masked(load(GOOD | {"CROSSDOCK_ERP__PASSWORD": "s3cr3t", "CROSSDOCK_METRICS_TOKEN": "s3cr3t"}))
    assert shown["CROSSDOCK_ERP__PASSWORD"] == shown["CROSSDOCK_METRICS_TOKEN"] == "**********"
    assert shown["CROSSDOCK_OIDC__CORP__ALGORITHMS"] == "ES256 RS256"
    assert shown["CROSSDOCK_WMS__LIMITS__DEADLINE"] == "3.0"
    assert "s3cr3t" not in repr(load(GOOD | {"CROSSDOCK_ERP__PASSWORD": "s3cr3t"}))


def test_what_is_shown_is_what_would_be_read_again_but_for_secrets() -> None:
    secret = {"CROSSDOCK_SECRET": "s" * 32}
    settings = load(GOOD | secret | {"CROSSDOCK_OIDC__CORP__KINDS__STAFF": "SERVICE", "CROSSDOCK_GRAPHIQL": "false"})
    assert load(masked(settings) | secret) == settings
