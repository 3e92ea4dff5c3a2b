"""Each order has exactly one owner at each instant, and what an ERP is asked for holds all that it owns."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.access import Visibility
from domain.model import CustomerId
from domain.ownership import Division, Side, Wave, division
from domain.queries import CustomerQuery, OrderFilter, OrderQuery, RecordQuery

DAY = timedelta(days=1)
START = datetime(2027, 1, 1, tzinfo=UTC)
ACCOUNTS = tuple(map(CustomerId, ("A", "B", "C", "D")))
MEMBERS = {"WEST": frozenset(ACCOUNTS[:2]), "EAST": frozenset(ACCOUNTS[1:3])}

instants = st.integers(0, 8).map(lambda day: START + day * DAY)
some_accounts = st.frozensets(st.sampled_from(ACCOUNTS))
waves = st.lists(
    st.builds(
        Wave,
        accounts=some_accounts,
        subsidiaries=st.frozensets(st.sampled_from([*MEMBERS])),
        placed_from=st.none() | instants,
        begins=st.none() | instants,
    ),
    max_size=4,
)
queries = st.builds(
    OrderQuery,
    st.builds(Visibility, st.none() | some_accounts),
    st.builds(
        OrderFilter,
        customer_ids=some_accounts,
        placed_after=st.none() | instants,
        placed_before=st.none() | instants,
    ),
)
ORDERS = [(account, START + day * DAY) for account in ACCOUNTS for day in range(9)]


def matches(query: OrderQuery, account: CustomerId, placed_at: datetime) -> bool:
    asked = query.filter
    return (
        query.visibility.sees(account)
        and (not asked.customer_ids or account in asked.customer_ids)
        and (asked.placed_after is None or placed_at >= asked.placed_after)
        and (asked.placed_before is None or placed_at < asked.placed_before)
    )


def is_the_next_ones(told: list[Wave], account: CustomerId, placed_at: datetime, now: datetime) -> bool:
    """The rule, told once more."""
    for wave in told:
        named = wave.accounts.union(*(MEMBERS[each] for each in wave.subsidiaries))
        begun = wave.begins is None or now >= wave.begins
        whose = account in named or not (wave.accounts or wave.subsidiaries)
        if begun and whose and (wave.placed_from is None or placed_at >= wave.placed_from):
            return True
    return False


@given(waves, instants)
def test_an_order_is_the_next_erps_if_any_wave_that_has_begun_takes_it_and_else_the_present_ones(
    told: list[Wave], now: datetime
) -> None:
    divided = division(told, MEMBERS, now)
    for account, placed_at in ORDERS:
        owner = Side.NEXT if is_the_next_ones(told, account, placed_at, now) else Side.PRESENT
        assert divided.owner(account, placed_at) is owner
        assert owner in divided.sides


@given(waves, instants, queries)
def test_what_an_erp_is_asked_for_holds_all_that_it_owns_and_nothing_beside_the_query(
    told: list[Wave], now: datetime, query: OrderQuery
) -> None:
    divided = division(told, MEMBERS, now)
    for side in Side:
        asked = divided.orders(side, query)
        for account, placed_at in ORDERS:
            wanted = matches(query, account, placed_at)
            if wanted and divided.owner(account, placed_at) is side:
                assert asked is not None
                assert matches(asked, account, placed_at)
            if asked and matches(asked, account, placed_at):
                assert wanted


@given(waves, instants, queries)
def test_the_counts_of_an_erp_add_up_to_what_it_owns(told: list[Wave], now: datetime, query: OrderQuery) -> None:
    divided = division(told, MEMBERS, now)
    for side in Side:
        owned = [each for each in ORDERS if matches(query, *each) and divided.owner(*each) is side]
        counted = sum(sign * sum(matches(part, *each) for each in ORDERS) for sign, part in divided.counts(side, query))
        assert counted == len(owned)


@given(waves, instants, st.none() | some_accounts)
def test_an_erp_is_asked_for_the_accounts_it_owns(
    told: list[Wave], now: datetime, visible: frozenset[CustomerId] | None
) -> None:
    divided, query = division(told, MEMBERS, now), CustomerQuery(Visibility(visible))
    for side in Side:
        asked = divided.customers(side, query, now)
        for account in ACCOUNTS:
            if query.visibility.sees(account) and divided.owner(account, now) is side:
                assert asked is not None
                assert asked.visibility.sees(account)


@given(waves, instants, some_accounts)
def test_the_next_erp_is_asked_only_for_bills_of_accounts_that_it_owns_orders_of(
    told: list[Wave], now: datetime, customers: frozenset[CustomerId]
) -> None:
    divided = division(told, MEMBERS, now)
    query = RecordQuery(Visibility(None), customer_ids=customers)
    asked = divided.records(Side.NEXT, query)
    assert divided.records(Side.PRESENT, query) == query
    for account in customers or ACCOUNTS:
        assert (divided.since(account) is None) or (
            asked is not None and (not asked.customer_ids or account in asked.customer_ids)
        )
    if asked and divided.rest is None:
        assert all(divided.since(account) for account in asked.customer_ids)


def test_before_any_wave_the_present_erp_alone_is_there() -> None:
    ahead = Wave(begins=START + DAY)
    before = division([ahead], {}, START)
    assert before == Division()
    assert before.sides == (Side.PRESENT,)
    assert division([ahead], {}, START + DAY).sides == (Side.NEXT,)
