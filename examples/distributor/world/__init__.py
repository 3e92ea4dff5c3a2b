"""The simulated company itself: what happened, when, and what each of its systems knows of it at an instant."""

from examples.distributor.world.company import World

__all__ = ["World"]
