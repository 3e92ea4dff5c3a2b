"""The distributor's warehouse system: a REST service in the manner of third-party logistics providers.

``/openapi.json`` describes it. ``PUT /__orders`` {"<order number>": "error" | "malformed"} gets single orders into
trouble, ``DELETE /__orders`` out of it.
"""

import hmac
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from examples.distributor import wms_records
from examples.distributor.harness import clock_of, run, simulator
from examples.distributor.paper import pdf
from examples.distributor.world import World
from examples.distributor.world.warehouse import ShipmentView

API_KEY: Final = "dockside-demo-key"
"""What ``X-Api-Key`` must be."""

OPENAPI: Final = Path(__file__).with_name("wms.openapi.json").read_bytes()

Q = TypeVar("Q")
Keys: TypeAlias = Annotated[list[str], msgspec.Meta(max_length=500)]
Trouble: TypeAlias = Literal["error", "malformed"]
Rank: TypeAlias = tuple[datetime, str]


class Shape(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A request's body."""


class OrdersQuery(Shape, frozen=True):
    order_numbers: Annotated[list[str], msgspec.Meta(min_length=1, max_length=500)]
    include: frozenset[Literal["work", "shipments"]] = frozenset()


class Position(Shape, frozen=True):
    created_at: Annotated[datetime, msgspec.Meta(tz=True)]
    shipment_id: str


class ShipmentsQuery(Shape, frozen=True):
    """Every condition given must hold."""

    shipment_ids: Keys | None = None
    tracking_numbers: Keys | None = None
    order_numbers: list[str] | None = None
    accounts: list[str] | None = None
    ship_tos: list[str] | None = None
    after: Position | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100

    def admits(self, shipment: ShipmentView) -> bool:
        conditions = (
            (self.shipment_ids, shipment.number),
            (self.order_numbers, shipment.order_number),
            (self.accounts, shipment.account),
            (self.ship_tos, shipment.ship_to.id),
        )
        return all(wanted is None or value in wanted for wanted, value in conditions) and (
            self.tracking_numbers is None or not numbers_of(shipment).isdisjoint(self.tracking_numbers)
        )


class Warehouse:
    """What the service answers from: the world, and the orders that are in trouble."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.trouble: dict[str, Trouble] = {}

    def orders(self, query: OrdersQuery, now: datetime) -> object:
        records: list[object] = []
        errors = []
        for number in dict.fromkeys(query.order_numbers):
            trouble = self.trouble.get(number)
            if trouble == "error":
                errors.append({"orderNumber": number, "code": "DATA_ERROR", "message": "Line 1 has no item"})
            elif (order := self.world.warehouse_order(number, now)) is not None:
                found = wms_records.orders(order, query.include)
                records += [wms_records.spoilt(record) for record in found] if trouble == "malformed" else found
        return {"orders": records, "errors": errors}

    def shipments(self, query: ShipmentsQuery, now: datetime) -> object:
        found = {shipment.number: shipment for shipment in self._candidates(query, now) if query.admits(shipment)}
        ranked = sorted(found.values(), key=rank, reverse=True)
        if query.after is not None:
            last = (query.after.created_at, query.after.shipment_id)
            ranked = [shipment for shipment in ranked if rank(shipment) < last]
        page, rest = ranked[: query.limit], ranked[query.limit :]
        return {
            "shipments": [record for shipment in page for record in wms_records.shipments(shipment)],
            "next": {"createdAt": page[-1].created_at, "shipmentId": page[-1].number} if rest else None,
        }

    def _candidates(self, query: ShipmentsQuery, now: datetime) -> Iterator[ShipmentView]:
        """More than what the query admits, by way of its narrowest condition."""
        if query.shipment_ids is not None:
            yield from _existing(self.world.shipment(number, now) for number in query.shipment_ids)
        elif query.tracking_numbers is not None:
            for number in query.tracking_numbers:
                yield from self.world.shipments_by_tracking(number, now)
        else:
            orders = self.world.orders
            numbers = orders if query.order_numbers is None else [n for n in query.order_numbers if n in orders]
            wanted = None if query.accounts is None else frozenset(query.accounts)
            for number in numbers:
                if wanted is None or orders[number].account in wanted:
                    order = self.world.warehouse_order(number, now)
                    yield from order.shipments if order else ()


def rank(shipment: ShipmentView) -> Rank:
    return shipment.created_at, shipment.number


def numbers_of(shipment: ShipmentView) -> set[str | None]:
    return {shipment.pro_number, *(package.tracking_number for package in shipment.packages)}


def _existing(found: Iterable[ShipmentView | None]) -> Iterator[ShipmentView]:
    return (shipment for shipment in found if shipment is not None)


def problem(status: int, title: str, detail: str) -> Response:
    """RFC 9457."""
    body = {"type": f"/problems/{status}", "title": title, "status": status, "detail": detail}
    return Response(msgspec.json.encode(body), status, media_type="application/problem+json")


def fault(operation: str, status: int) -> Response:
    return problem(status, "The warehouse system cannot answer", f"{operation} failed")


def stranger(request: Request) -> Response | None:
    """What somebody without the key is told."""
    if hmac.compare_digest(request.headers.get("x-api-key", "").encode(), API_KEY.encode()):
        return None
    return problem(401, "Unauthorized", "X-Api-Key is missing or wrong")


def routes(warehouse: Warehouse) -> Sequence[Route]:
    def query(shape: type[Q], answer: Callable[[Q, datetime], object]) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            if refused := stranger(request):
                return refused
            try:
                asked = msgspec.json.decode(await request.body(), type=shape)
            except ValueError as error:
                return problem(400, "Bad request", str(error))
            now = clock_of(request).now()
            return Response(msgspec.json.encode(answer(asked, now)), media_type="application/json")

        return handle

    async def packing_list(request: Request) -> Response:
        if refused := stranger(request):
            return refused
        number = request.path_params["id"]
        shipment = warehouse.world.shipment(number, clock_of(request).now())
        if shipment is None or shipment.packed_at is None:
            return problem(404, "Not found", f"{number} is not packed")
        return Response(b"".join(pdf(f"Packing list {number}")), media_type="application/pdf")

    async def openapi(_: Request) -> Response:
        return Response(OPENAPI, media_type="application/json")

    async def trouble(request: Request) -> Response:
        warehouse.trouble = {}
        if request.method == "PUT":
            try:
                warehouse.trouble = msgspec.json.decode(await request.body(), type=dict[str, Trouble])
            except ValueError as error:
                return problem(400, "Bad request", str(error))
        return Response(status_code=204)

    return [
        Route("/api/v2/orders/query", query(OrdersQuery, warehouse.orders), methods=["POST"]),
        Route("/api/v2/shipments/query", query(ShipmentsQuery, warehouse.shipments), methods=["POST"]),
        Route("/api/v2/shipments/{id}/packing-list", packing_list, methods=["GET"]),
        Route("/openapi.json", openapi),
        Route("/__orders", trouble, methods=["PUT", "DELETE"]),
    ]


def operation(request: Request, _: bytes) -> str:
    """The last part of the path, dotted: orders.query, shipments.query, openapi; or file."""
    if request.url.path.endswith("/packing-list"):
        return "file"
    return request.url.path.removeprefix("/api/v2/").removesuffix(".json").replace("/", ".").strip(".")


if __name__ == "__main__":
    run(simulator("wms", routes(Warehouse(World.build())), operation=operation, fault=fault), "wms")
