"""An order's status in a customer's words: "Partly shipped, 4 of 10, 6 backordered", "Completed, 3 cancelled"."""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from domain.explanation import plain
from domain.fulfillment import Counts
from domain.line_status import LineState, in_units_of

Count = Callable[[Counts], Decimal]
Tally = Callable[[Sequence[LineState], Count], Decimal]
COUNTS: Sequence[Count] = (
    lambda counts: counts.left,
    lambda counts: counts.delivered,
    lambda counts: counts.due,
    lambda counts: counts.backordered,
    lambda counts: counts.cancelled,
)
LEFT, DELIVERED, DUE, BACKORDERED, CANCELLED = COUNTS


def summarize(words: str, lines: Sequence[LineState], *, progress: Count | None, cancelled: bool, held: bool) -> str:
    """``words`` for the status, then what they leave out: a partial one's ``progress``, what is cancelled, a hold."""
    return ", ".join((words, *_details(lines, progress=progress, cancelled=cancelled, held=held)))


def _details(lines: Sequence[LineState], *, progress: Count | None, cancelled: bool, held: bool) -> Iterator[str]:
    own = [state for state in lines if not state.line.substituted_by]
    tally, named = _tally(lines)
    if progress:
        yield f"{plain(tally(lines, progress))} of {named(tally(lines, DUE))}"
    if any(state.counts.backordered for state in lines):
        yield f"{named(tally(lines, BACKORDERED))} backordered"
    if cancelled and any(state.counts.cancelled for state in own):
        yield f"{named(tally(own, CANCELLED))} cancelled"
    if held and any(state.counts.open for state in lines):
        yield "the rest on hold"


def _tally(lines: Sequence[LineState]) -> tuple[Tally, Callable[[Decimal], str]]:
    """How to count and to name a count: as sold where that comes out even, else in base units, else whole lines."""
    sold = {state.line.ordered.unit for state in lines}
    base = {state.line.ordered.base_unit for state in lines}
    values = (in_units_of(state.line, count(state.counts)).value for state in lines for count in COUNTS)
    if len(sold) == 1 and all(value * 1000 == int(value * 1000) for value in values):
        return _in_sold_units, plain
    if len(base) == 1:
        return _in_base_units, lambda number: f"{plain(number)} {next(iter(base))}"
    return _in_lines, lambda number: "1 line" if number == 1 else f"{plain(number)} lines"


def _in_sold_units(lines: Sequence[LineState], count: Count) -> Decimal:
    return sum((in_units_of(state.line, count(state.counts)).value for state in lines), Decimal(0))


def _in_base_units(lines: Sequence[LineState], count: Count) -> Decimal:
    return sum((count(state.counts) for state in lines), Decimal(0))


def _in_lines(lines: Sequence[LineState], count: Count) -> Decimal:
    return Decimal(sum(1 for state in lines if count(state.counts) > 0))
