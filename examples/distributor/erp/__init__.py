"""The distributor's ERP: a SOAP 1.1 service in the manner of NetSuite's SuiteTalk, described by its own WSDL.

The WSDL is at ``/?wsdl`` and ``/services/Distribution?wsdl``. Requests carry a WS-Security UsernameToken. Beside the
controls every simulator has there are ``PUT /__records`` {"<number>": "error" | "locked" | "malformed" | "odd"}, which
gets single records into trouble (``DELETE`` out of it), and ``PUT /__capacity`` {"concurrency": n}.
"""

from typing import Final

USERNAME: Final = "crossdock"
PASSWORD: Final = "demo: <pass> & 'word'"
