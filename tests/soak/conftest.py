"""Soaks borrow the end-to-end fixtures."""

from tests.e2e.conftest import fleet, served, world

__all__ = ["fleet", "served", "world"]
