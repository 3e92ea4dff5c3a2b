from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.model import ShipmentStatus, Tracking, TrackingEvent, TrackingKey
from domain.values import Code, Moment, Provenance
from sources.carriers.consignments import NEAR, began, meant

SOURCE = Provenance("ups", datetime(2026, 11, 20, 15, tzinfo=UTC))
SHIPPED = date(2026, 11, 10)


def consignment(*days: date) -> Tracking:
    """One with an event at noon of each day."""
    events = (
        TrackingEvent(
            str(day),
            ShipmentStatus.IN_TRANSIT,
            Code("AR", "ups/I"),
            Moment(datetime(day.year, day.month, day.day, 12, tzinfo=UTC)),
            None,
            "",
        )
        for day in days
    )
    return Tracking(TrackingKey("UPSN", "1Z1"), None, tuple(events), None, None, SOURCE)


OURS = consignment(date(2026, 11, 12), date(2026, 11, 9))
FORMER = consignment(date(2025, 10, 1))
LATER = consignment(date(2027, 6, 1))
SILENT = consignment()


def test_the_nearest_to_the_ship_date() -> None:
    assert meant([FORMER, OURS, LATER, SILENT], SHIPPED) is OURS
    assert meant([FORMER, LATER], date(2025, 10, 3)) is FORMER


def test_somebody_elses_parcel_is_not_ours() -> None:
    assert meant([FORMER, LATER], SHIPPED) is None
    assert meant([], SHIPPED) is None


def test_one_that_tells_nothing_yet_is_nobody_elses() -> None:
    assert meant([SILENT], SHIPPED) is SILENT
    assert meant([FORMER, SILENT], SHIPPED) is SILENT


def test_without_a_ship_date_the_newest() -> None:
    assert meant([OURS, LATER, FORMER, SILENT], None) is LATER
    assert meant([SILENT], None) is SILENT
    assert meant([], None) is None


def test_the_edge_of_near() -> None:
    assert meant([consignment(SHIPPED + NEAR)], SHIPPED) is not None
    assert meant([consignment(SHIPPED + NEAR + timedelta(days=1))], SHIPPED) is None


DAYS = st.lists(st.dates(date(2020, 1, 1), date(2030, 1, 1)), min_size=1, unique=True)


@given(DAYS.flatmap(lambda days: st.tuples(st.just(days), st.permutations(days))))
def test_the_order_of_the_answer_does_not_matter(days: tuple[list[date], list[date]]) -> None:
    one, other = ([consignment(day) for day in order] for order in days)
    newest, also = meant(one, None), meant(other, None)
    assert newest
    assert also
    assert began(newest) == began(also) == max(days[0])
    near, nearby = meant(one, SHIPPED), meant(other, SHIPPED)
    distances = [abs(first - SHIPPED) for found in (near, nearby) if found and (first := began(found))]
    assert distances in ([], [min(abs(day - SHIPPED) for day in days[0])] * 2)
