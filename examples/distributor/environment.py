"""The settings with which Crossdock finds the simulated company, as an integration team would write them."""

from collections.abc import Mapping

from examples.distributor import dhl, erp, fedex, idp, ltl, signing, ups, usps, wms
from examples.distributor.idp_tokens import AUDIENCE
from examples.distributor.world.accounts import PERSONAS

SECTIONS: Mapping[str, str] = {
    "erp": "ERP",
    "wms": "WMS",
    "ups": "CARRIERS__UPS",
    "fedex": "CARRIERS__FEDEX",
    "ltl": "CARRIERS__LTL",
}
"""By source that sends events, where its settings are."""


def environment(urls: Mapping[str, str], store: str = "off") -> dict[str, str]:
    """Environment variables by name. ``urls``: each simulator's address, as ``Fleet.urls`` gives them; ``store``: where
    memory is kept.
    """
    given = {
        "OIDC__DEMO__ISSUER": urls["idp"],
        "OIDC__DEMO__AUDIENCE": AUDIENCE,
        "ERP__KIND": "soap",
        "ERP__URL": f"{urls['erp']}/services/Distribution",
        "ERP__USERNAME": erp.USERNAME,
        "ERP__PASSWORD": erp.PASSWORD,
        "WMS__KIND": "rest",
        "WMS__URL": urls["wms"],
        "WMS__PASSWORD": wms.API_KEY,
        **_carrier("ups", urls["ups"], CLIENT_ID=ups.CLIENT_ID, CLIENT_SECRET=ups.CLIENT_SECRET),
        "CARRIERS__UPS__TOKEN_URL": f"{urls['ups']}/security/v1/oauth/token",
        **_carrier("fedex", urls["fedex"], CLIENT_ID=fedex.CLIENT_ID, CLIENT_SECRET=fedex.CLIENT_SECRET),
        "CARRIERS__FEDEX__TOKEN_URL": f"{urls['fedex']}/oauth/token",
        **_carrier("usps", urls["usps"], CLIENT_ID=usps.CLIENT_ID, CLIENT_SECRET=usps.CLIENT_SECRET),
        "CARRIERS__USPS__TOKEN_URL": f"{urls['usps']}/oauth2/v3/token",
        **_carrier("dhl", urls["dhl"], PASSWORD=dhl.API_KEY),
        **_carrier("ltl", urls["ltl"], "x12_214", USERNAME=ltl.USERNAME, PASSWORD=ltl.PASSWORD),
        **{f"{SECTIONS[source]}__WEBHOOK_SECRET": secret for source, secret in signing.SECRETS.items()},
        "STORE__URL": store,
        "DEMO__TOKEN_URL": f"{urls['idp']}/token",
        "DEMO__SECRET": idp.DEMO_SECRET,
        "DEMO__CLOCK_URL": f"{urls['erp']}/__clock",
        **{f"DEMO__PERSONAS__{name.upper()}": facts.title for name, facts in PERSONAS.items()},
    }
    return {f"CROSSDOCK_{name}": value for name, value in given.items()}


def _carrier(name: str, url: str, kind: str | None = None, **credentials: str) -> dict[str, str]:
    given = {"KIND": kind or name, "URL": url} | credentials
    return {f"CARRIERS__{name.upper()}__{key}": value for key, value in given.items()}
