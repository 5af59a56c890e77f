"""How a command ends when it is told to, or when its output cannot be written.

No exception can end it then: the main thread waits for threads that wait for a provider, or for each other. So the
process ends at once, with the exit code that a shell expects. What was written stays, in whole lines.
"""

import io
import os
import signal
import sys
from typing import Any, NoReturn

_STDOUT = 1
_STDERR = 2
# A shell reports a program that a signal ended as this number and the signal's.
_SIGNALLED = 128


def end_well() -> None:
    """Lets SIGINT, SIGTERM and a stdout that cannot be written end the process. stdout is UTF-8 in every locale."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    output = io.BufferedWriter(_StandardOutput(_STDOUT, "w", closefd=False))
    # The CDK writes log lines to the original one.
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(output, encoding="utf-8", line_buffering=True)  # type: ignore[misc]


class _StandardOutput(io.FileIO):
    """stdout, as every thread writes it."""

    def write(self, content: Any, /) -> int:
        try:
            return super().write(content)
        except BrokenPipeError:
            os._exit(_SIGNALLED + signal.SIGPIPE)
        except OSError as error:
            _end(f"Standard output cannot be written: {error.strerror}. Correct this and run the command again.", 1)


def _stop(number: int, _frame: Any) -> NoReturn:
    _end("Stopped.", _SIGNALLED + number)


def _end(sentence: str, code: int) -> NoReturn:
    os.write(_STDERR, f"{sentence}\n".encode())
    os._exit(code)
