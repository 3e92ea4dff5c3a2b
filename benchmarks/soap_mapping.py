"""What a SOAP answer costs: CPU per order of ten lines, mapped by our tables and deserialised by zeep, in one run.

Run ``python -m benchmarks.soap_mapping``. Both read the same bytes by the same WSDL: fifty different orders, whose
numbers no cache knows yet. Rounds are interleaved and the median is printed. Also what a request for fifty orders costs
to write.
"""

import asyncio
import re
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from domain.model import Order
from domain.values import Provenance
from examples.distributor.clock import START
from examples.distributor.erp.orders import sales_order
from examples.distributor.erp.service import CONTRACT, envelope
from examples.distributor.world import World
from sources.codes import CodeTable
from sources.erp_soap import adapter, lexical, wsdl
from sources.erp_soap.orders import OrderRecord
from sources.erp_soap.parsing import parse
from sources.erp_soap.tables import Tables
from sources.erp_soap.wire import Meaning
from sources.erp_soap.writer import Writer

ORDERS, LINES = 50, 10
ROUNDS = 15
ADDRESS = "http://erp.example/services/Distribution?wsdl"
MESSAGES = "{urn:erp.example:messages:2026_1}"
RECORD = f"{MESSAGES}record"
SALES_ORDER = adapter.SALES + "SalesOrder"


def answer() -> bytes:
    """An answer with ``ORDERS`` orders of ``LINES`` lines each, as the simulated ERP writes it."""
    world = World.build()
    views = (view for number in world.orders if (view := world.erp_order(number, START)) and len(view.lines) == LINES)
    records = (
        sales_order(view, world.accounts[view.account], amounts=True, lists=True) for view in islice(views, ORDERS)
    )
    responses = (f'<m:readResponse><m:status isSuccess="true"/>{record}</m:readResponse>' for record in records)
    listed = f'<m:readResponseList><m:status isSuccess="true"/>{"".join(responses)}</m:readResponseList>'
    return bytes(envelope(f"<m:getListResponse>{listed}</m:getListResponse>").body)


def documents() -> wsdl.Documents:
    async def fetch(address: str) -> bytes:
        name = Path(address.partition("?")[0]).name
        return (CONTRACT / (name if name.endswith(".xsd") else "distribution.wsdl")).read_bytes()

    return asyncio.run(wsdl.collect(ADDRESS, fetch))


def cpu(work: Callable[[], object]) -> float:
    """Microseconds of this process's CPU, with no number remembered from before."""
    lexical.decimal.cache_clear()
    lexical.day.cache_clear()
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1e6


def main() -> None:
    known = documents()
    client: Any = wsdl.read(ADDRESS, known)
    read = Tables(client.wsdl.types, wsdl.enumerations(known)).reader(SALES_ORDER, OrderRecord)
    codes = CodeTable.read("erp", Path(adapter.__file__).with_name("codes.tsv"), Meaning)
    source = Provenance("erp", datetime(2026, 11, 20, tzinfo=UTC))
    body = answer()
    output = client.wsdl.types.get_element(MESSAGES + "getListResponse")
    refs = [{"externalId": f"SO-{number}", "type": "salesOrder"} for number in range(ORDERS)]
    writer = Writer(client.wsdl.types)

    def records() -> list[OrderRecord]:
        return [read(element) for element in parse(body).iter(RECORD)]

    def orders() -> list[Order]:
        return [record.to_domain(source, codes=codes, amounts=True) for record in records()]

    def zeeps() -> Any:
        return output.parse(parse(body)[0][0], client.wsdl.types)

    assert len(orders()) == len(zeeps().readResponseList.readResponse) == ORDERS
    assert [len(order.lines) for order in orders()] == [LINES] * ORDERS
    work: dict[str, Callable[[], object]] = {
        "parse alone": lambda: parse(body),
        "parse and map to wire records": records,
        "parse and map to domain orders": orders,
        "parse and deserialise by zeep": zeeps,
        "write a request": lambda: writer.message(MESSAGES + "getList", {"baseRef": refs}),
        "write a request by zeep": lambda: client.create_message(client.service, "getList", baseRef=refs),
    }
    rounds = [{name: cpu(each) for name, each in work.items()} for _ in range(ROUNDS)]
    spent = {name: statistics.median(told[name] for told in rounds) for name in work}
    size, elements = len(body) / ORDERS / 1000, len(re.findall(rb"<\w+:", body)) / ORDERS
    print(f"an order of {LINES} lines: {size:.1f} kB, {elements:.0f} elements; {ORDERS} at once, {ROUNDS} rounds")
    for name, microseconds in spent.items():
        share = 1 if "request" in name else ORDERS
        print(f"{name:32} {microseconds / share:8.0f} µs {'a request' if share == 1 else 'an order'}")
    zeep_read, zeep_write = spent["parse and deserialise by zeep"], spent["write a request by zeep"]
    for name in ("parse and map to wire records", "parse and map to domain orders"):
        print(f"zeep's answer costs {zeep_read / spent[name]:.1f}x what it takes to {name}")
    print(f"zeep's request costs {zeep_write / spent['write a request']:.1f}x ours")


if __name__ == "__main__":
    main()
