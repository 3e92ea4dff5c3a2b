"""What happened is counted under names that outsiders cannot multiply."""

from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from domain.values import Code
from server.exchange import Exchange
from server.telemetry import Telemetry
from sources.observer import BreakerMoved, CallMade, UnknownCode


def value(telemetry: Telemetry, name: str, **labels: str) -> float:
    families = text_string_to_metric_families(telemetry.exposition().decode())
    samples = [sample for family in families for sample in family.samples]
    (found,) = [each.value for each in samples if each.name == f"crossdock_{name}" and each.labels == labels]
    return found


def test_an_exchange_is_counted_and_told_in_one_line() -> None:
    telemetry = Telemetry()
    exchange = Exchange(
        "c-1",
        method="POST",
        route="/graphql",
        operation="Orders",
        kind="query",
        subject="corp:dana",
        codes=["SOURCE_TIMEOUT", "FORBIDDEN_FIELD"],
        status=200,
        seconds=0.0214,
    )
    with capture_logs() as lines:
        telemetry.report(exchange)
    assert value(telemetry, "http_requests_total", route="/graphql", method="POST", status="200") == 1
    assert value(telemetry, "http_request_seconds_bucket", route="/graphql", le="0.025") == 1
    assert value(telemetry, "http_request_seconds_bucket", route="/graphql", le="0.01") == 0
    assert value(telemetry, "graphql_operations_total", kind="query") == 1
    assert value(telemetry, "graphql_errors_total", code="SOURCE_TIMEOUT") == 1
    assert lines == [
        {
            "event": "request",
            "log_level": "info",
            "route": "/graphql",
            "method": "POST",
            "status": 200,
            "ms": 21.4,
            "operation": "Orders",
            "kind": "query",
            "who": exchange.who,
            "errors": "FORBIDDEN_FIELD SOURCE_TIMEOUT",
        }
    ]


def test_a_method_nobody_knows_is_no_label_of_its_own() -> None:
    telemetry = Telemetry()
    telemetry.report(Exchange("c-1", method="XYZZY", route="other"))
    assert value(telemetry, "http_requests_total", route="other", method="other", status="499") == 1


def test_calls_of_a_source_are_counted_by_outcome_and_retries_apart() -> None:
    telemetry = Telemetry()
    telemetry.call_made(CallMade("erp", "orders", "SOURCE_TIMEOUT", 3.0, 1))
    telemetry.call_made(CallMade("erp", "orders", "ok", 0.2, 2))
    for outcome in ("ok", "SOURCE_TIMEOUT"):
        assert value(telemetry, "source_calls_total", source="erp", operation="orders", outcome=outcome) == 1
    assert value(telemetry, "source_retries_total", source="erp", operation="orders") == 1
    assert value(telemetry, "source_call_seconds_count", source="erp", operation="orders") == 2


def test_a_breaker_is_in_one_state() -> None:
    telemetry = Telemetry()
    telemetry.breaker_moved(BreakerMoved("wms", "open"))
    telemetry.breaker_moved(BreakerMoved("wms", "half-open"))
    states = ("closed", "open", "half-open")
    assert [value(telemetry, "source_breaker", source="wms", state=state) for state in states] == [0, 0, 1]


def test_an_unknown_code_is_counted_each_time_and_told_once() -> None:
    telemetry = Telemetry()
    fact = UnknownCode("ups", Code("Z7", "ups/X", "Odd", known=False))
    with capture_logs() as lines:
        telemetry.unknown_code(fact)
        telemetry.unknown_code(fact)
    assert value(telemetry, "unknown_codes_total", source="ups", table="ups/X") == 2
    assert [(line["event"], line["table"], line["code"]) for line in lines] == [("unknown code", "ups/X", "Z7")]
