"""The settings that bound documents: what one may have, and what an operation may cost."""

from pydantic import Field

from engine.execute import COST_LIMIT
from engine.limits import Limits
from server.sections import Section

DEFAULT = Limits()


class Documents(Section):
    """The most a document may have and an operation may cost."""

    cost: int = Field(COST_LIMIT, ge=1, description="records read from source systems that an operation may cost")
    characters: int = Field(DEFAULT.characters, ge=1, description="characters a document may have")
    lines: int = Field(DEFAULT.lines, ge=1, description="lines a document may have")
    tokens: int = Field(DEFAULT.tokens, ge=1, description="tokens a document may have")
    operations: int = Field(DEFAULT.operations, ge=1, description="operations a document may have")
    fragments: int = Field(DEFAULT.fragments, ge=1, description="fragments a document may have")
    directives: int = Field(DEFAULT.directives, ge=1, description="directives a document may have")
    values: int = Field(
        DEFAULT.values, ge=1, description="values a document's arguments may have, each member of a list by itself"
    )
    depth: int = Field(DEFAULT.depth, ge=1, description="levels of fields an operation may have")
    root_fields: int = Field(
        DEFAULT.root_fields, ge=1, description="root fields an operation may have, aliases included"
    )
    fields: int = Field(DEFAULT.fields, ge=1, description="fields an operation may have, its fragments spread")
    aliases: int = Field(DEFAULT.aliases, ge=1, description="aliases an operation may have, its fragments spread")
    comparisons: int = Field(
        DEFAULT.comparisons, ge=1, description="comparisons of fields that could merge which validation may make"
    )
    errors: int = Field(DEFAULT.errors, ge=1, description="mistakes of a document that are told")
    variables: int = Field(
        DEFAULT.variables, ge=1, description="values a request's variables may have, each member of a list by itself"
    )

    def limits(self) -> Limits:
        return Limits(**self.model_dump(exclude={"cost"}))
