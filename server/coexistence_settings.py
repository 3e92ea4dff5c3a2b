"""The group of settings about a second ERP that takes over from the one there is: what it owns, and from when on."""

from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator, Field, model_validator

from domain.model import CustomerId
from domain.ownership import Wave as OwnedWave
from server.sections import Section, Source, Words
from sources.config import Following

NAME = "erp_next"
"""What the second ERP is called in errors, metrics, and the provenance of what it told."""


def _instant(value: object) -> object:
    """A number would be taken for seconds since 1970, which nobody means who writes 20270101."""
    if isinstance(value, str) and value.isdigit():
        raise ValueError("is no instant such as 2027-01-01T06:00:00Z")
    return value


Instant = Annotated[AwareDatetime, BeforeValidator(_instant)]


class Wave(Section):
    """A part of the business that the second ERP owns: all the conditions given must hold."""

    accounts: Words = Field(
        frozenset(), description="the numbers of the accounts it takes over; none, and no subsidiaries: all accounts"
    )
    subsidiaries: Words = Field(frozenset(), description="the subsidiaries whose accounts it takes over as well")
    placed_from: Instant | None = Field(
        None,
        description="an instant with its offset, such as 2027-01-01T00:00:00-06:00: only orders placed from then on "
        "are its own; unset: those of before too, which it must hold",
    )
    begins: Instant | None = Field(
        None, description="an instant with its offset, such as 2027-01-01T06:00:00Z: the cut-over; unset: now"
    )

    def owned(self) -> OwnedWave:
        accounts = frozenset(map(CustomerId, self.accounts))
        return OwnedWave(accounts, self.subsidiaries, self.placed_from, self.begins)


class Coexistence(Section):
    """Two ERPs at once."""

    erp: Source | None = Field(None, description="the second ERP: CROSSDOCK_COEXISTENCE__ERP__KIND and __URL")
    waves: dict[str, Wave] = Field(
        {},
        description="what it owns, each part under a name of your choice: CROSSDOCK_COEXISTENCE__WAVES__<NAME>__BEGINS",
    )
    shadow: float = Field(
        0,
        ge=0,
        le=1,
        description="which share of what either ERP serves is asked of the other too, in the background, and compared: "
        "0 none, 1 all",
    )

    @model_validator(mode="after")
    def _takes_over_from_somebody(self) -> "Coexistence":
        if (self.waves or self.shadow) and self.erp is None:
            raise ValueError(
                "has waves or a shadow, and no second ERP; give CROSSDOCK_COEXISTENCE__ERP__KIND and __URL"
            )
        return self

    def following(self, codes: Path | None) -> Following | None:
        """The second ERP, as ``sources.registry`` opens it, with the codes of that folder; None: there is none."""
        if self.erp is None:
            return None
        waves = tuple(wave.owned() for wave in self.waves.values())
        return Following(self.erp.kind, self.erp.config(NAME, codes), waves, self.shadow)
