"""What two ERPs say otherwise is kept until each record is compared again, and reported by field."""

from datetime import timedelta

from domain.comparison import Comparison, Difference
from domain.events import Subject
from store.database import Database
from store.shadow import Shadows
from tests.domain.samples import NOW

OPEN = Difference("lifecycle", "lifecycle", "CONFIRMED", "RECEIVED")


def compared(id_: str, *found: Difference, minute: int = 0) -> Comparison:
    return Comparison(Subject.ORDER, id_, "erp", "erp_next", NOW + timedelta(minutes=minute), found)


async def test_differences_are_counted_by_field_with_the_latest_as_examples(database: Database) -> None:
    shadows = Shadows(database)
    lines = [Difference("lines.ordered", f"lines.{key}.ordered", "1 EA", "2 EA") for key in "12"]
    await shadows.add([compared(str(number), OPEN, minute=number) for number in range(5)])
    await shadows.add([compared("9", *lines), compared("10")])
    report = await shadows.report(examples=2)
    assert report.compared == {Subject.ORDER: 7}
    assert [(field.field, field.records) for field in report.fields] == [("lifecycle", 5), ("lines.ordered", 1)]
    lifecycle, ordered = report.fields
    assert [(each.id, each.served, each.told) for each in lifecycle.examples] == [
        ("4", "CONFIRMED", "RECEIVED"),
        ("3", "CONFIRMED", "RECEIVED"),
    ]
    assert [each.part for each in ordered.examples] == ["lines.1.ordered"]
    assert ordered.examples[0].at == NOW


async def test_a_record_that_is_compared_again_has_its_last_word_alone(database: Database) -> None:
    shadows = Shadows(database)
    await shadows.add([compared("1", OPEN), compared("2", OPEN)])
    await shadows.add([compared("1", minute=1)])
    report = await shadows.report()
    assert report.compared == {Subject.ORDER: 2}
    assert [(field.field, field.records) for field in report.fields] == [("lifecycle", 1)]


async def test_nothing_is_kept_of_nothing_and_all_can_be_forgotten(database: Database) -> None:
    shadows = Shadows(database)
    await shadows.add([])
    await shadows.add([compared("1", OPEN)])
    await shadows.forget()
    report = await shadows.report()
    assert (report.compared, list(report.fields)) == ({}, [])
