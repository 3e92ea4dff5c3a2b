"""The adapter before an ERP that answers what it is told."""

from collections.abc import AsyncIterator

import pytest

from sources.erp_soap.adapter import SoapErp
from tests.sources.erp_soap.scripted import Service, adapter, serving


@pytest.fixture
async def told() -> AsyncIterator[tuple[Service, SoapErp]]:
    service = Service()
    async with serving(service) as url, adapter(url) as erp:
        yield service, erp
