"""The doors and readers of a Crossdock that was given the demo's settings."""

from collections.abc import Mapping, Sequence
from functools import cache

from examples.distributor.environment import environment
from examples.distributor.fleet import SIMULATORS
from server import settings
from sources import feeds
from sources.observer import Silence


@cache
def _configs() -> Sequence[feeds.FeedConfig]:
    return settings.load(environment(dict.fromkeys(SIMULATORS, "http://127.0.0.1:9"))).feeds()


@cache
def doors() -> Mapping[str, feeds.Door]:
    return feeds.doors(_configs())


@cache
def readers() -> Mapping[str, feeds.Feed]:
    return feeds.feeds(_configs(), Silence())
