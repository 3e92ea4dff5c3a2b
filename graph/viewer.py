"""Who is asking, as the graph understood the token."""

import strawberry

from domain import access, model
from graph.customer import Customer
from graph.node import Info
from resolvers import visible

PrincipalKind = strawberry.enum(access.PrincipalKind, description="The kinds of caller.")


async def _account(root: access.Principal, info: Info) -> model.Customer | None:
    return await visible.customer(info.context, root.account) if root.account else None


def _scopes(root: access.Principal) -> list[str]:
    return sorted(root.scopes)


@strawberry.type(description="The caller.")
class Viewer:
    name: str | None
    kind: PrincipalKind
    scopes: list[str] = strawberry.field(resolver=_scopes)
    account: Customer | None = strawberry.field(resolver=_account, description="The account a portal user belongs to.")
