"""Accounts and what they owe, by ``contract/accounts.xsd``."""

from examples.distributor.erp.markup import address, attributes, el, maybe, nil, nillable, record, ref, ship_to_id, wrap
from examples.distributor.world.accounts import Account, ShipTo
from examples.distributor.world.erp import CustomerView


def customer(account: Account, parent: Account | None, *, lists: bool) -> str:
    return record(
        "a:Customer",
        account.internal_id,
        account.number,
        (
            el("a:companyName", account.name),
            nil("a:parent") if parent is None else ref("a:parent", parent.number, parent.internal_id),
            ref("a:subsidiary", account.subsidiary, "1"),
            ref("a:territory", account.territory, f"t{account.territory}"),
            ref("a:currency", account.currency, f"c{account.currency}"),
            ref("a:terms", account.terms, f"p{account.due_days}", account.terms),
            el("a:email", account.email),
            el("a:creditLimit", account.credit_limit),
            nillable("a:creditHold", account.credit_hold),
            maybe("a:comments", account.credit_note),
            wrap("a:addressbookList", (_ship_to(place, account) for place in account.ship_tos)) if lists else "",
        ),
    )


def _ship_to(place: ShipTo, account: Account) -> str:
    keys = attributes(internalId=ship_to_id(place, account.internal_id), externalId=place.id)
    label = el("a:label", place.name)
    return f"<a:addressbook{keys}>{label}{address('a:addressbookAddress', place)}</a:addressbook>"


def balance(view: CustomerView) -> str:
    account = view.account
    names = ("a:aging", "a:aging1", "a:aging2", "a:aging3", "a:aging4")
    return wrap(
        "m:customerBalance",
        (
            ref("a:entity", account.number, account.internal_id),
            ref("a:currency", account.currency, f"c{account.currency}"),
            el("a:balance", view.balance),
            el("a:overdueBalance", view.overdue),
            *(el(name, amount) for name, amount in zip(names, view.aging, strict=True)),
        ),
    )
