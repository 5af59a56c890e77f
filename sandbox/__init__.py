"""Stand-ins for IPXO, Nexudus and Payhubix on the loopback interface, for the demo, tests and benchmarks.

They answer as the providers are documented to, and refuse what the providers are documented to refuse. Start them
with `python -m sandbox`, or in Python:

    with Sandbox(rows=250) as sandbox:
        config = sandbox.config()
"""

from sandbox.exchange import ListSettings, Request
from sandbox.faults import Fault, Kind
from sandbox.sandbox import STREAMS, Sandbox
from sandbox.tables import Table

__all__ = ["STREAMS", "Fault", "Kind", "ListSettings", "Request", "Sandbox", "Table"]
