"""The schema as one object: standalone, and as an Apollo Federation 2 subgraph."""

import asyncio
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    Undefined,
)
from strawberry.federation.schema import FederationAny
from strawberry.federation.schema import Schema as FederationSchema
from strawberry.schema.config import StrawberryConfig

from domain.errors import BadInput
from engine.execute import COST_LIMIT, Engine, Mode
from engine.limits import Limits
from graph import costs
from graph.directives import max_staleness
from graph.errors import tell
from graph.mutation import Mutation
from graph.node import Info
from graph.query import Query
from graph.scalars import SCALARS
from graph.subscription import Subscription
from resolvers import auditing, entities

REPRESENTATIONS = 1000
"""The most representations one `_entities` takes."""


class Schema(FederationSchema):
    """Federation's schema, with `_entities` read through the same loaders and the same scope as everything else."""

    async def entities_resolver(  # type: ignore[override]  # ours awaits its loaders
        self, info: Info, representations: list[FederationAny]
    ) -> list[FederationAny]:
        given: list[Any] = list(representations)
        if len(given) > REPRESENTATIONS:
            raise BadInput(f"`_entities` takes at most {REPRESENTATIONS} representations.")
        if not all(isinstance(each, dict) for each in given):
            raise BadInput("A representation is an object with __typename and the fields of a key.")
        found: list[Any] = await asyncio.gather(*(entities.reference(info.context, each) for each in given))
        return found


def build() -> Schema:
    schema = Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        directives=[max_staleness],  # type: ignore[list-item]  # the decorated function is what Strawberry takes
        config=StrawberryConfig(scalar_map=SCALARS),
        federation_version="2.9",
    )
    _leave_out_null_defaults(executable(schema))
    return schema


def _leave_out_null_defaults(schema: GraphQLSchema) -> None:
    """Prints an optional argument as ``first: Int`` and not ``first: Int = null``; the resolver's own default stays
    None.
    """
    for type_ in schema.type_map.values():
        inputs: list[GraphQLArgument | GraphQLInputField] = []
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            inputs += [argument for field in type_.fields.values() for argument in field.args.values()]
        elif isinstance(type_, GraphQLInputObjectType):
            inputs += type_.fields.values()
        for given in inputs:
            if given.default_value is None:
                given.default_value = Undefined


def sdl(schema: Schema) -> str:
    """The schema as it is printed to ``schema.graphql`` and to a federation gateway."""
    return schema.as_str().rstrip() + "\n"


def executable(schema: Schema) -> GraphQLSchema:
    return schema._schema  # noqa: SLF001 (Strawberry offers no other way to the schema it built)


def engine(
    schema: Schema,
    *,
    mode: Mode = Mode.ADAPTIVE,
    cache_size: int = 512,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
    cost_limit: int = COST_LIMIT,
) -> Engine:
    built = executable(schema)
    return Engine(
        built,
        format_errors=tell,
        mode=mode,
        cache_size=cache_size,
        limits=limits,
        costs=costs.declared(built),
        cost_limit=cost_limit,
        tells_cost=True,
        watch=auditing.watched,
    )
