"""Which engine the tests run on: CROSSDOCK_ENGINE as the server reads it; without it compiled plans, from the first run
on.
"""

import os

from engine.execute import Mode

MODE = Mode(os.environ.setdefault("CROSSDOCK_ENGINE", Mode.COMPILED))
