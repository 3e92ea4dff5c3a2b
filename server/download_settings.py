"""The settings about documents as files: how long their links are good, and where their bytes are kept meanwhile."""

from pathlib import Path

from pydantic import Field

from server.sections import Section


class Downloads(Section):
    """Invoices and other documents, as files."""

    link_seconds: float = Field(60, ge=1, le=3600, description="seconds a link to a document is good, 3600 at most")
    folder: Path = Field(
        Path("crossdock-documents"),
        description="the folder where documents are kept for a while, which replicas may share; where it cannot be"
        " written, documents are passed on without being kept",
    )
    keep_seconds: float = Field(
        900, gt=0, description="seconds a document is kept before it is fetched from its owner again"
    )
