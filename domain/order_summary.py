"""An order's status in a customer's words: "Partly shipped, 4 of 10, 6 backordered", "Completed, 3 cancelled"."""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from domain.explanation import plain
from domain.line_status import LineState, in_units_of


def summarize(words: str, lines: Sequence[LineState], *, progress: bool, cancelled: bool, held: bool) -> str:
    """``words`` for the status, then what they leave out: how far a partial one is, what is cancelled, a hold."""
    return ", ".join((words, *_details(lines, progress=progress, cancelled=cancelled, held=held)))


def _details(lines: Sequence[LineState], *, progress: bool, cancelled: bool, held: bool) -> Iterator[str]:
    if progress:
        yield f"{_amount(lines, lambda state: state.counts.left)} of {_amount(lines, lambda state: state.counts.due)}"
    if any(state.counts.backordered for state in lines):
        yield f"{_amount(lines, lambda state: state.counts.backordered)} backordered"
    own = [state for state in lines if not state.line.substituted_by]
    if cancelled and any(state.counts.cancelled for state in own):
        yield f"{_amount(own, lambda state: state.counts.cancelled)} cancelled"
    if held and any(state.counts.open for state in lines):
        yield "the rest on hold"


def _amount(lines: Sequence[LineState], count: Callable[[LineState], Decimal]) -> str:
    """How many units, where all lines are sold in one unit that the counts come out even in; else on how many lines."""
    values = [in_units_of(state.line, count(state)).value for state in lines]
    alike = len({state.line.ordered.unit for state in lines}) == 1
    if alike and all(value * 1000 == int(value * 1000) for value in values):
        return plain(sum(values, Decimal(0)))
    concerned = sum(1 for value in values if value)
    return "1 line" if concerned == 1 else f"{concerned} lines"
