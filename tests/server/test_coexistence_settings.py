"""What a second ERP owns is settings, and what is wrong with them is told by name with its remedy."""

from datetime import UTC, datetime

import pytest

from domain.ownership import Wave
from server import rehearsal
from server.environment import Misconfigured
from server.processes import portion
from server.settings import load
from sources.config import Following
from tests.server.test_settings import GOOD, problems

SECOND = {
    "CROSSDOCK_COEXISTENCE__ERP__KIND": "soap",
    "CROSSDOCK_COEXISTENCE__ERP__URL": "https://next.example.com/soap?wsdl",
}
WAVE = "CROSSDOCK_COEXISTENCE__WAVES__FIRST__"


def test_waves_become_what_the_second_erp_owns() -> None:
    settings = load(
        GOOD
        | SECOND
        | {
            f"{WAVE}ACCOUNTS": "00100 00200",
            f"{WAVE}SUBSIDIARIES": "WEST",
            f"{WAVE}PLACED_FROM": "2027-01-01T00:00:00-06:00",
            f"{WAVE}BEGINS": "2027-01-04T06:00:00Z",
        }
    )
    following = settings.estate().following
    assert isinstance(following, Following)
    assert (following.kind, following.source.name) == ("soap", "erp_next")
    assert following.waves == (
        Wave(
            accounts=frozenset({"00100", "00200"}),  # type: ignore[arg-type]  # numbers as they are given
            subsidiaries=frozenset({"WEST"}),
            placed_from=datetime(2027, 1, 1, 6, tzinfo=UTC),
            begins=datetime(2027, 1, 4, 6, tzinfo=UTC),
        ),
    )
    assert [feed.name for feed in settings.feeds()] == ["erp", "erp_next", "wms"]


def test_without_a_second_erp_nothing_changes() -> None:
    settings = load(GOOD)
    assert settings.estate().following is None
    assert [feed.name for feed in settings.feeds()] == ["erp", "wms"]


def test_processes_share_the_second_erps_calls() -> None:
    settings = load(GOOD | SECOND | {"CROSSDOCK_WORKERS": "2", "CROSSDOCK_COEXISTENCE__ERP__LIMITS__CONCURRENCY": "3"})
    shares = [portion(settings, number).coexistence.erp for number in range(2)]
    assert [share.limits.concurrency for share in shares if share] == [2, 1]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (
            {f"{WAVE}BEGINS": "2027-01-04T06:00:00"},
            f"{WAVE}BEGINS: should have timezone info; give an instant with its",
        ),
        ({f"{WAVE}BEGINS": "20270104"}, f"{WAVE}BEGINS: is no instant such as 2027-01-01T06:00:00Z; give an instant"),
        (
            {f"{WAVE}BEGIN": "2027-01-04T06:00:00Z"},
            f"{WAVE}BEGIN: is no setting of Crossdock; did you mean {WAVE}BEGINS",
        ),
    ],
    ids=["no-offset", "number", "misspelt"],
)
def test_a_wave_that_cannot_be_is_told_with_its_remedy(given: dict[str, str], complaint: str) -> None:
    with pytest.raises(Misconfigured) as told:
        load(GOOD | SECOND | given)
    assert complaint in str(told.value)


def test_waves_need_a_second_erp() -> None:
    (problem,) = problems(COEXISTENCE__WAVES__FIRST__ACCOUNTS="00100")
    assert problem.startswith("CROSSDOCK_COEXISTENCE: has waves or a shadow, and no second ERP; give CROSSDOCK_COEX")


def test_a_shadow_needs_memory() -> None:
    (problem,) = problems(
        COEXISTENCE__ERP__KIND="soap",
        COEXISTENCE__ERP__URL="https://next.example.com",
        COEXISTENCE__SHADOW="0.1",
        STORE__URL="off",
    )
    assert problem.startswith("CROSSDOCK_COEXISTENCE__SHADOW: compares what nothing keeps, as memory is off; give CROS")


def test_a_second_erp_of_no_known_kind_is_told() -> None:
    with pytest.raises(
        Misconfigured, match="CROSSDOCK_COEXISTENCE__ERP__KIND: 'cobol' is no kind we know; give one of"
    ):
        rehearsal.check(load(GOOD | SECOND | {"CROSSDOCK_COEXISTENCE__ERP__KIND": "cobol"}))


def test_a_second_erps_webhook_secret_is_checked() -> None:
    (problem,) = problems(
        COEXISTENCE__ERP__KIND="soap",
        COEXISTENCE__ERP__URL="https://next.example.com",
        COEXISTENCE__ERP__WEBHOOK_SECRET="short",
    )
    assert problem.startswith("CROSSDOCK_COEXISTENCE__ERP__WEBHOOK_SECRET: ")
