"""What goes wrong between those who send events and those who receive them, in shares one can set."""

from dataclasses import dataclass
from random import Random
from typing import Annotated

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]

FURTHEST_BACK = 3
"""Past how many later messages of its source one is held back at most."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one message. ``delays``: simulated seconds from when it happened, one for each copy sent.

    ``behind``: how many later messages of its source must be acknowledged before it is sent.
    """

    delays: tuple[float, ...]
    behind: int
    forged: bool


class Chaos(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The share of messages sent twice, of those held back past later ones, of those never sent, and of those that a
    forged copy accompanies; ``delay``: the most simulated seconds one takes. The same seed, the same fates.
    """

    duplicates: Share = 0.0
    disorder: Share = 0.0
    delay: Annotated[float, msgspec.Meta(ge=0, le=1e6)] = 0.0
    loss: Share = 0.0
    forged: Share = 0.0
    seed: int = 0

    def fate(self, name: str) -> Fate:
        """That of the message about the happening of this name, whatever the other knobs do to it."""
        rng = Random(f"{self.seed}/{name}")
        lost, twice, late, forged = (
            rng.random() < share for share in (self.loss, self.duplicates, self.disorder, self.forged)
        )
        behind = rng.randint(1, FURTHEST_BACK)
        delays = tuple(rng.uniform(0, self.delay) for _ in range(0 if lost else 1 + twice))
        return Fate(delays, behind if late else 0, forged)
