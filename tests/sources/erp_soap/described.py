"""The ERP's own description, read from its files: what the adapter would fetch."""

import asyncio
from functools import cache
from pathlib import Path
from typing import Any

from examples.distributor.erp import service
from sources.erp_soap import wsdl
from sources.erp_soap.tables import Tables

ADDRESS = "http://erp.example/services/Distribution?wsdl"
CONTRACT = service.CONTRACT
SALES, CORE = "{urn:erp.example:sales:2026_1}", "{urn:erp.example:core:2026_1}"
MESSAGES = "{urn:erp.example:messages:2026_1}"


def document(address: str) -> bytes:
    """The file that answers ``address``."""
    name = Path(address.partition("?")[0]).name
    return (CONTRACT / (name if name.endswith(".xsd") else "distribution.wsdl")).read_bytes()


@cache
def documents() -> wsdl.Documents:
    async def fetch(address: str) -> bytes:
        return document(address)

    return asyncio.run(wsdl.collect(ADDRESS, fetch))


@cache
def zeep_client() -> Any:
    return wsdl.read(ADDRESS, documents())


@cache
def tables() -> Tables:
    return Tables(zeep_client().wsdl.types, wsdl.enumerations(documents()))
