"""What the graph's fields cost, in units of one record read from a source system; printed as @cost and @listSize.

An object costs nothing of its own unless its type says so: money, quantities and packages come with their record. Sizes
are what a typical account has, and err towards more.
"""

from collections.abc import Mapping
from dataclasses import replace

from graphql import GraphQLSchema
from strawberry import UNSET
from strawberry.federation.schema_directives import Cost, ListSize

from engine import cost as engine_cost
from engine.guards import FieldKey


def cost(weight: int) -> Cost:
    """``weight``: records read for it, for each parent; on a type, for each object."""
    return Cost(weight=weight)


def about(size: int) -> ListSize:
    """A list of about ``size`` records."""
    return ListSize(assumed_size=size, slicing_arguments=UNSET, sized_fields=UNSET, require_one_slicing_argument=False)


PAGE = ListSize(
    assumed_size=20, slicing_arguments=["first"], sized_fields=["edges", "nodes"], require_one_slicing_argument=False
)
"""A connection's page; as large as ``resolvers.context.Policy.page_size`` unless it says ``first``."""

LISTED: Mapping[FieldKey, engine_cost.Cost] = {
    ("Query", "nodes"): engine_cost.Cost(slicing_arguments=("ids",)),
    ("Query", "_entities"): engine_cost.Cost(slicing_arguments=("representations",)),
}
"""Lists as long as one they are given. Not printed: composition takes none but integers as slicing arguments."""


def declared(schema: GraphQLSchema) -> engine_cost.Costs:
    """What is printed, and what cannot be."""
    costs = engine_cost.Costs.of(schema)
    return replace(costs, fields={**costs.fields, **LISTED}, object_weight=0)
