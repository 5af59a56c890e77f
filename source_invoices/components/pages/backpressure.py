"""Backpressure: reading waits while too many rows wait to be written.

This module is here because the CDK lets 10,000 queue entries wait. Prefetched pages fill its queue, so memory would
grow with the history until the queue is full. The queue itself must not be shorter: the thread that empties it also
writes to it.
"""

import threading

_MOST_ROWS = 1_000


class Backpressure:
    """Counts the rows that wait to be written, and holds back the next page of every stream while there are too many.

    `added` and `written` are called by the thread that reads and the thread that writes.
    """

    def __init__(self) -> None:
        self._waiting = 0
        self._condition = threading.Condition()
        self._is_given_up = False

    def added(self, rows: int) -> None:
        with self._condition:
            self._waiting += rows

    def written(self, rows: int) -> None:
        with self._condition:
            self._waiting -= rows
            self._condition.notify_all()

    def give_up(self) -> None:
        """Lets every waiting thread go on: rows are not written any longer."""
        with self._condition:
            self._is_given_up = True
            self._condition.notify_all()

    def wait(self) -> None:
        """Returns as soon as another page may be read."""
        with self._condition:
            self._condition.wait_for(lambda: self._is_given_up or self._waiting <= _MOST_ROWS)
