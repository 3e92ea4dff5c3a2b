"""The distributor's ERP: a SOAP 1.1 service in the manner of NetSuite's SuiteTalk, described by its own WSDL.

The WSDL is at ``/?wsdl`` and ``/services/Distribution?wsdl``. Requests carry a WS-Security UsernameToken. The files it
tells of are at ``/services/files/<internalId>``, by HTTP Basic authentication. Beside the controls every simulator has
there are ``PUT /__records`` {"<number>": "error" | "locked" | "malformed" | "odd"}, which gets single records into
trouble (``DELETE`` out of it), ``PUT /__capacity`` {"concurrency": n}, and ``PUT /__files`` {"size": bytes, "trouble":
"cut" | "disguised" | "endless"}.
"""

from typing import Final

USERNAME: Final = "crossdock"
PASSWORD: Final = "demo: <pass> & 'word'"
