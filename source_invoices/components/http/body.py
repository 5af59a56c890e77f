"""Reads the body of an answer, up to a limit.

This module is here because requests unpacks a body of any size: two megabytes of gzip can become two gigabytes.
"""

import io

import requests

MOST_BYTES = 256 * 2**20
"""Unpacked. A page of invoices has some hundred kilobytes."""

# An ordinary page is read in one piece: after each piece its thread would wait for the interpreter.
_PIECE = 4 * 2**20


class BodyTooLarge(Exception):
    """A body has more than MOST_BYTES."""


def whole_body(response: requests.Response) -> bytes:
    """Returns the unpacked body. Raises BodyTooLarge, and no more than the limit and a piece was in memory."""
    body = io.BytesIO()
    for piece in response.iter_content(_PIECE):
        body.write(piece)
        if body.tell() > MOST_BYTES:
            response.close()
            raise BodyTooLarge
    return body.getvalue()
