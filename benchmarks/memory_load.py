"""What memory is measured with: lives of orders of the simulated company, as its systems tell them, many times over.

A life is everything that the warehouse, UPS and the ERP said of one order, in order of time. Copies differ in their
numbers and their accounts, so that a hundred lives make a load of any size.
"""

import random
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from benchmarks.soap_mapping import RECORD, SALES_ORDER, documents
from domain.events import Delivery
from domain.model import Order
from domain.values import Provenance
from examples.distributor.clock import START
from examples.distributor.erp.orders import sales_order
from examples.distributor.erp.service import envelope
from examples.distributor.pushes import Pushes
from examples.distributor.world import World
from examples.distributor.world.happenings import Happening
from ingest.parsing import OBSERVATION
from sources.codes import CodeTable
from sources.erp_soap import adapter, wsdl
from sources.erp_soap.orders import OrderRecord
from sources.erp_soap.parsing import parse
from sources.erp_soap.tables import Tables
from sources.erp_soap.wire import Meaning
from sources.feeds import FeedConfig
from store.documents import encode_fact

NOW: Final = START + timedelta(days=1)
"""When it is all told."""

FEEDS: Final = (FeedConfig("wms", "rest", "wms"), FeedConfig("carriers", "ups", "ups"))
TOLD_BY: Final = {"wms", "ups", "erp"}
TRACKED: Final = re.compile(rb"1Z[0-9A-Z]{16}")
NUMBERED: Final = re.compile(rb"SH-\d{6}")


@dataclass(frozen=True, slots=True)
class Said:
    """One delivery of a life. ``at``: when it happened."""

    source: str
    topic: str
    body: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Life:
    """``numbers``: what a copy has of its own, by what the original has."""

    said: Sequence[Said]
    numbers: Mapping[bytes, str]
    customer_id: str

    def rename(self, nth: int, account: str) -> Callable[[bytes], bytes]:
        """Turns what was said of the original into what is said of its copy number ``nth``."""
        own = {old: f"{new}{nth:08}".encode() for old, new in self.numbers.items()}
        own[self.customer_id.encode()] = account.encode()
        pattern = re.compile(b"|".join(re.escape(old) for old in sorted(own, key=len, reverse=True)))
        return lambda body: pattern.sub(lambda match: own[match[0]], body)


def lives(
    count: int = 100, *, lines: Sequence[int] = (3, 4, 5), since: timedelta = timedelta(days=60)
) -> Sequence[Life]:
    """Lives of orders of the last weeks that UPS carried, of so many lines."""
    world = World.build()
    pushes, read = Pushes(world), _reader(world)
    of: dict[str, list[Happening]] = defaultdict(list)
    for one in world.happenings(START - since, START + timedelta(days=20)):
        of[one.order].append(one)
    found = [
        number
        for number, told in of.items()
        if number
        and len(world.orders[number].lines) in lines
        and told[0].kind == "salesOrder.created"
        and any(one.source == "ups" for one in told)
        and {one.source for one in told} <= TOLD_BY
    ]
    chosen = random.Random(1).sample(sorted(found), min(count, len(found)))
    return [_life(world, number, of[number], pushes, read) for number in chosen]


def _life(
    world: World, number: str, told: Sequence[Happening], pushes: Pushes, read: Callable[[str, datetime], Order]
) -> Life:
    said = list[Said]()
    for one in told:
        if one.source == "erp" and one.kind.startswith("salesOrder"):
            said.append(Said("erp", OBSERVATION, encode_fact(read(number, one.at)), one.at))
        elif one.source in ("wms", "ups"):
            said.append(
                Said(one.source, one.kind if one.source == "wms" else "Track Alert", pushes.of(one).body, one.at)
            )
    view = world.erp_order(number, START + timedelta(days=20))
    whole = b" ".join(each.body for each in said)
    numbers = {number.encode(): "SO-"}
    numbers |= {found: f"SH-{place}-" for place, found in enumerate(sorted(set(NUMBERED.findall(whole))))}
    numbers |= {found: f"1Z{place:03}Z" for place, found in enumerate(sorted(set(TRACKED.findall(whole))))}
    if view is None:
        raise LookupError(number)
    if view.po_number and len(view.po_number) > 6:
        numbers[view.po_number.encode()] = "PO-"
    return Life(said, numbers, view.account)


def _reader(world: World) -> Callable[[str, datetime], Order]:
    """Reads an order as the ERP tells it at an instant."""
    known = documents()
    client: Any = wsdl.read("http://erp.example/services/Distribution?wsdl", known)
    record = Tables(client.wsdl.types, wsdl.enumerations(known)).reader(SALES_ORDER, OrderRecord)
    codes = CodeTable.read("erp", Path(adapter.__file__).with_name("codes.tsv"), Meaning)

    def read(number: str, at: datetime) -> Order:
        view = world.erp_order(number, at)
        if view is None:
            raise LookupError(number)
        written = sales_order(view, world.accounts[view.account], amounts=True, lists=True)
        body = bytes(envelope(f"<m:answer>{written}</m:answer>").body)
        (element,) = parse(body).iter(RECORD)
        order: Order = record(element).to_domain(Provenance("erp", at), codes=codes, amounts=True)
        return order

    return read


@dataclass(frozen=True, slots=True)
class Load:
    """``known``: what was said before; ``news``: what is said then, in order: mostly of orders that are known."""

    known: Sequence[Said]
    news: Sequence[Said]


def load(of: Sequence[Life], news: int, *, first: int = 0, accounts: int = 400, seed: int = 1) -> Load:
    """The load in the middle of many lives, each at its own place; copies are numbered from ``first`` on."""
    chance = random.Random(seed)
    copies = 2 * news * len(of) // sum(len(life.said) for life in of) + len(of)
    told, renames = list[tuple[float, int, int]](), dict[int, Callable[[bytes], bytes]]()
    for nth in range(first, first + copies):
        life, begin = of[nth % len(of)], chance.uniform(-1.0, 1.0)
        told += ((begin + place / len(life.said), nth, place) for place in range(len(life.said)))
        renames[nth] = life.rename(nth, f"C{chance.randrange(accounts):05}")
    told.sort()
    middle = next(place for place, each in enumerate(told) if each[0] >= 0)

    def said(nth: int, place: int) -> Said:
        one = of[nth % len(of)].said[place]
        return Said(one.source, one.topic, renames[nth](one.body), one.at)

    return Load(
        [said(nth, place) for _, nth, place in told[:middle]],
        [said(nth, place) for _, nth, place in told[middle : middle + news]],
    )


def deliveries(said: Sequence[Said], *, at: datetime = NOW, tag: str = "") -> Sequence[Delivery]:
    return [
        Delivery(each.source, f"{tag}{nth}", each.topic, at, each.body, {"content-type": "application/json"})
        for nth, each in enumerate(said)
    ]
