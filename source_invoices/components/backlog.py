"""How many records wait to be written, and who waits for that.

Here because the CDK lets 10,000 records wait, and pages that are read ahead fill its queue: memory would grow with the
history until it is full. The queue itself must not be made shorter: who empties it writes to it as well.
"""

import threading
from queue import Queue
from typing import Any

_MOST_RECORDS = 1_000
# Seconds in which far fewer records are written than may wait.
_INTERVAL = 0.02


class Backlog:
    """Holds back the next page of every stream while too many records wait to be written.

    queue: where they wait; None until the source says so, then nothing is held back.
    """

    def __init__(self) -> None:
        self.queue: Queue[Any] | None = None
        self._is_given_up = threading.Event()

    def give_up(self) -> None:
        """Records are not written any longer: nobody may wait for that."""
        self._is_given_up.set()

    def wait(self) -> None:
        """Returns as soon as another page may be read."""
        while self.queue and self.queue.qsize() > _MOST_RECORDS and not self._is_given_up.wait(_INTERVAL):
            pass
