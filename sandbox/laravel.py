"""Query parameters, read, validated and reported like Laravel does. IPXO's envelopes are Laravel's (inferred)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from sandbox.exchange import Answer, Request, whole_number
from sandbox.queries import Condition
from sandbox.tables import Row
from sandbox.values import instant


class Refused(Exception):
    """A request that is not served. `answer` is what is sent back."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def served(handler: Callable[[Request], Answer], request: Request) -> Answer:
    """Returns the handler's answer, or the answer with which it refuses the request."""
    try:
        return handler(request)
    except Refused as refused:
        return refused.answer


class Validation:
    """Reads parameters and collects their faults. `check` reports all of them. An empty parameter counts as absent."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.errors: dict[str, list[str]] = {}

    def text(self, name: str) -> str | None:
        """Returns a parameter unchanged."""
        return self.request.value(name) or None

    def whole(self, name: str, default: int) -> int:
        """A whole number of at least 1."""
        number = whole_number(self.text(name), default)
        if number is None:
            self._wrong(name, "must be an integer of at least 1")
            return default
        return number

    def integer(self, name: str) -> int | None:
        """Returns a whole number, such as a time in seconds."""
        text = self.text(name)
        if text is None or re.fullmatch(r"-?\d+", text, re.ASCII):
            return None if text is None else int(text)
        self._wrong(name, "must be an integer")
        return None

    def decimal(self, name: str) -> float | None:
        """A number."""
        text = self.text(name)
        if text is None or re.fullmatch(r"-?\d+(\.\d+)?", text, re.ASCII):
            return None if text is None else float(text)
        self._wrong(name, "must be a number")
        return None

    def choice(self, name: str, choices: tuple[str, ...]) -> str | None:
        """Returns one of `choices`. Without choices, any text is allowed."""
        text = self.text(name)
        if text is not None and choices and text not in choices:
            self._wrong(name, "is invalid")
            return None
        return text

    def sort(self, choices: tuple[str, ...]) -> tuple[tuple[str, bool], ...]:
        """A comma-separated list of sort keys as (key, descending)."""
        keys = (self.text("sort") or "").split(",") if self.text("sort") else []
        if not {key.removeprefix("-") for key in keys} <= set(choices):
            self._wrong("sort", "is invalid")
            return ()
        return tuple((key.removeprefix("-"), key.startswith("-")) for key in keys)

    def array(self, name: str, choices: Iterable[str] = ()) -> tuple[str, ...]:
        """Returns a list in the form of PHP: `name[]=a&name[]=b` or `name[0]=a&name[1]=b`."""
        if self.text(name) is not None:
            self._wrong(name, "must be an array")
        found = [value for key, value in self.request.query if re.fullmatch(re.escape(name) + r"\[\d*\]", key)]
        allowed = set(choices)
        for number, value in enumerate(found):
            if allowed and value not in allowed:
                self._wrong(f"{name}.{number}", "is invalid")
        return tuple(found)

    def check(self) -> None:
        """Refuses the request with status 422 if any parameter was wrong. The answer names all of them."""
        if self.errors:
            raise Refused(Answer(422, {"message": "The given data was invalid.", "errors": self.errors}))

    def _wrong(self, name: str, problem: str) -> None:
        self.errors.setdefault(name, []).append(f"The {name} {problem}.")


def equal(name: str, value: str | float | None) -> list[Condition]:
    """Returns the filter for the exact value of a field; none without a value."""
    return [] if value is None else [Condition(name, value, lambda row: bool(row[name] == value))]


def any_item(name: str, value: str | None, texts: Callable[[Row], tuple[str, ...]]) -> list[Condition]:
    """Returns the filter for rows with a line item that has the value among its `texts`."""
    if value is None:
        return []
    return [Condition(name, value, lambda row: any(value in texts(item) for item in row["items"]))]


def one_of(name: str, values: str) -> Condition:
    """Returns the filter for values in a comma-separated list. Times are compared as instants."""
    if name == "placed_at":
        wanted = {instant(value.replace(" ", "+")) for value in values.split(",")}
        return Condition(name, values, lambda row: row[name] is not None and instant(row[name]) in wanted)
    return Condition(name, values, lambda row: row[name] in values.split(","))


def report(status: int, text: str) -> Answer:
    """An error of the API (the shape is inferred)."""
    return Answer(status, {"message": text})


def token_report(status: int, text: str, code: str = "") -> Answer:
    """An error of the token host, as in RFC 6749, 5.2."""
    codes = {400: "invalid_request", 401: "invalid_client", 429: "too_many_requests", 503: "temporarily_unavailable"}
    return Answer(status, {"error": code or codes.get(status, "server_error"), "error_description": text})
