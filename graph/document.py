"""Documents: that there is one, and a link to its bytes."""

import strawberry

from domain import model
from graph.directives import guarded
from graph.node import Info
from resolvers import documents

strawberry.enum(model.DocumentKind, description="What a document is.")


def _url(root: documents.Offered, info: Info) -> str | None:
    return documents.link(info.context, root)


@strawberry.type(description="That a document exists with its owner; bytes never pass through the graph.")
class Document:
    id: strawberry.ID
    kind: model.DocumentKind
    title: str
    media_type: str
    url: str | None = guarded(
        documents.SCOPE,
        resolver=_url,
        description="Where its bytes are, for a short while: a link made for the caller when it is asked for, good"
        " without a token. Null for kinds of file that are not handed on.",
    )
