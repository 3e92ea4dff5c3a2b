"""Who is asking, as the graph understood the token."""

import strawberry

from domain import access, model
from graph.customer import Customer
from graph.directives import computed, guarded
from graph.node import Info
from resolvers import visible

strawberry.enum(access.PrincipalKind, description="The kinds of caller.")


async def _account(root: access.Principal, info: Info) -> model.Customer | None:
    return await visible.customer(info.context, root.account) if root.account else None


def _scopes(root: access.Principal) -> list[str]:
    return sorted(root.scopes)


@strawberry.type(description="The caller.")
class Viewer:
    name: str | None
    kind: access.PrincipalKind
    scopes: list[str] = computed(_scopes)
    account: Customer | None = guarded(
        "order:read", resolver=_account, description="The account a portal user belongs to."
    )
