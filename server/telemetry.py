"""What Crossdock tells of itself: an access line for each exchange, and metrics of exchanges and of every source."""

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Literal, TypeAlias

import structlog
from cachetools import LRUCache
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

from ingest.observer import Outcome
from server.exchange import Exchange
from server.streams import Ending
from sources.observer import BreakerMoved, CallMade, UnknownCode

log = structlog.get_logger("crossdock.access")

METHODS = frozenset(("GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"))
STATES = ("closed", "open", "half-open")
LAGS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3600.0)
"""Seconds; beyond a minute something waits for its order."""

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


OfAll: TypeAlias = Literal["livesum", "livemostrecent"]
"""What a gauge of several processes says: what those that live have together, or what one of them found last."""


def share(folder: Path, number: int) -> None:
    """Has the metrics that this process makes from now on kept in ``folder``, beside those of other processes that have
    other numbers. Whoever takes a number over counts on from where it was.
    """
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]  # its own has no types


class Telemetry:
    """An observer of sources, of deliveries, of streams (``Observer``, ``IngestObserver``, ``StreamObserver``) and of
    exchanges, with a registry of its own. ``shared``: the folder of ``share``, whose metrics it tells all together; CPU
    and memory are told where one process is all there is.
    """

    def __init__(self, shared: Path | None = None) -> None:
        self._registry = CollectorRegistry()
        self._shared = shared
        if shared is None:
            ProcessCollector(registry=self._registry)
        self._gauge("processes", "Processes that serve").set(1)
        self._requests = self._counter("http_requests", "HTTP requests answered", "route", "method", "status")
        self._seconds = self._histogram("http_request_seconds", "Time to answer an HTTP request", "route")
        self._operations = self._counter("graphql_operations", "GraphQL operations executed", "kind")
        self._errors = self._counter("graphql_errors", "Errors told to clients", "code")
        self._calls = self._counter("source_calls", "Calls of a source", "source", "operation", "outcome")
        self._retries = self._counter("source_retries", "Calls of a source that were retries", "source", "operation")
        self._call_seconds = self._histogram("source_call_seconds", "Time of a call of a source", "source", "operation")
        self._breaker = self._gauge("source_breaker", "1 for the state a source's breaker is in", "source", "state")
        self._unknown = self._counter("unknown_codes", "Foreign codes no table holds", "source", "table")
        self._delivered = self._counter("deliveries", "Messages that came to the door", "source", "outcome")
        self._folded = self._counter("deliveries_folded", "Deliveries read, saved and settled", "source")
        self._lag = Histogram(
            "crossdock_delivery_lag_seconds",
            "Time from a delivery's arrival until memory knew what it says",
            ("source",),
            buckets=LAGS,
            registry=self._registry,
        )
        self._died = self._counter("dead_letters", "Deliveries that became dead letters", "source", "reason")
        self._backlog = self._gauge(
            "inbox", "Deliveries in the inbox that are not settled", "state", of_all="livemostrecent"
        )
        self._oldest = self._gauge(
            "inbox_oldest_seconds", "How long the oldest pending delivery has waited", of_all="livemostrecent"
        )
        self._streams = self._gauge("streams", "Connections that stream", "transport")
        self._endings = self._counter("streams_ended", "Connections that streamed no more", "transport", "why")
        self._answers = self._counter("streamed_answers", "Answers sent over streams", "transport", "kind")
        self._told: LRUCache[tuple[str, str, str], None] = LRUCache(1000)

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(f"crossdock_{name}", help_text, labels, registry=self._registry)

    def _histogram(self, name: str, help_text: str, *labels: str) -> Histogram:
        return Histogram(f"crossdock_{name}", help_text, labels, buckets=BUCKETS, registry=self._registry)

    def _gauge(self, name: str, help_text: str, *labels: str, of_all: OfAll = "livesum") -> Gauge:
        return Gauge(f"crossdock_{name}", help_text, labels, registry=self._registry, multiprocess_mode=of_all)

    def exposition(self) -> bytes:
        """The metrics in Prometheus' text format."""
        registry = self._registry
        if self._shared is not None:
            registry = CollectorRegistry()
            MultiProcessCollector(registry, path=str(self._shared))  # type: ignore[no-untyped-call]  # its own has no types
        return generate_latest(registry)

    # -- exchanges ---------------------------------------------------------------------------------------------------

    def report(self, exchange: Exchange) -> None:
        method = exchange.method if exchange.method in METHODS else "other"
        self._requests.labels(exchange.route, method, str(exchange.status)).inc()
        self._seconds.labels(exchange.route).observe(exchange.seconds)
        if exchange.kind:
            self._operations.labels(exchange.kind).inc()
        for code in exchange.codes:
            self._errors.labels(code).inc()
        log.info(
            "request",
            route=exchange.route,
            method=method,
            status=exchange.status,
            ms=round(exchange.seconds * 1000, 1),
            operation=exchange.operation,
            kind=exchange.kind,
            who=exchange.who,
            errors=" ".join(sorted(set(exchange.codes))) or None,
        )

    # -- sources -----------------------------------------------------------------------------------------------------

    def call_made(self, fact: CallMade) -> None:
        self._calls.labels(fact.source, fact.operation, fact.outcome).inc()
        self._call_seconds.labels(fact.source, fact.operation).observe(fact.seconds)
        if fact.attempt > 1:
            self._retries.labels(fact.source, fact.operation).inc()

    def breaker_moved(self, fact: BreakerMoved) -> None:
        for state in STATES:
            self._breaker.labels(fact.source, state).set(state == fact.state)
        log.warning("breaker moved", source=fact.source, state=fact.state)

    def unknown_code(self, fact: UnknownCode) -> None:
        """Counted each time, told once."""
        self._unknown.labels(fact.source, fact.code.table).inc()
        key = (fact.source, fact.code.table, fact.code.raw)
        if key not in self._told:
            self._told[key] = None
            log.warning("unknown code", source=fact.source, table=fact.code.table, code=fact.code.raw)

    # -- deliveries --------------------------------------------------------------------------------------------------

    def delivered(self, source: str, outcome: Outcome) -> None:
        self._delivered.labels(source, outcome).inc()

    def folded(self, source: str, lag: timedelta) -> None:
        self._folded.labels(source).inc()
        self._lag.labels(source).observe(lag.total_seconds())

    def died(self, source: str, reason: StrEnum) -> None:
        self._died.labels(source, reason).inc()
        log.warning("dead letter", source=source, reason=reason)

    def stood(self, backlog: Mapping[str, int], oldest: timedelta) -> None:
        for state, deliveries in backlog.items():
            self._backlog.labels(state).set(deliveries)
        self._oldest.set(oldest.total_seconds())

    # -- streams -----------------------------------------------------------------------------------------------------

    def stream_opened(self, transport: str) -> None:
        self._streams.labels(transport).inc()

    def answer_sent(self, transport: str, kind: str, codes: Sequence[str]) -> None:
        self._answers.labels(transport, kind).inc()
        for code in codes:
            self._errors.labels(code).inc()

    def stream_closed(self, transport: str, ending: Ending) -> None:
        self._streams.labels(transport).dec()
        self._endings.labels(transport, ending).inc()
