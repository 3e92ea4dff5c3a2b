"""Laws that need the whole product borrow its end-to-end fixtures."""

from tests.e2e.conftest import ask, crossdock, engine, fleet, world

__all__ = ["ask", "crossdock", "engine", "fleet", "world"]
