"""Why a request got no answer that can be used, in words for the person who must act.

This module is here because the exceptions of requests repeat the address, and some of them are not requests' own.
"""

import os
import re
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

import requests
from airbyte_cdk.sources.streams.http.error_handlers.response_models import ErrorResolution
from requests.utils import select_proxy
from urllib3.exceptions import ReadTimeoutError

from source_invoices.components.http.body import MOST_BYTES, BodyTooLarge
from source_invoices.components.http.deadline import NoWholeAnswer
from source_invoices.components.http.responses import LONGEST_QUOTE, Resolutions
from source_invoices.secrets import excerpt

# In the order in which requests reads them.
_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def resolve_unanswered(error: Exception | None, resolutions: Resolutions) -> ErrorResolution:
    """Returns what an exception in place of an answer means."""
    if isinstance(error, BodyTooLarge):
        return resolutions.contradiction(
            f"the answer has more than {MOST_BYTES >> 20} MB, which no page of invoices has."
        )
    name, path = _certificates()
    if path and not Path(path).exists():
        what = f"no secure connection can be made: {name} names {path}, which is not there."
        if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
            return resolutions.fail(what, f"Correct {name} in the connector's environment, or unset it.")
    return resolutions.retry(why_unanswered(error))


def why_unanswered(error: Exception | None) -> str:
    """Returns why a request got no answer, without the address and its parameters."""
    cause = _innermost(error)
    if isinstance(error, NoWholeAnswer):
        return f"no whole answer within {error.seconds:g} seconds."
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "no connection in time."
    if isinstance(error, requests.exceptions.Timeout) or isinstance(cause, ReadTimeoutError):
        return "no answer in time."
    if isinstance(error, requests.exceptions.ProxyError):
        return f"the proxy {_proxy(error)} could not be reached: {_words(cause)}."
    if isinstance(error, requests.exceptions.SSLError):
        name, path = _certificates()
        certificates = f" (with the certificates that {name} names, {path})" if path else ""
        return f"no secure connection could be made{certificates}: {_words(cause)}."
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the answer broke off half-way."
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return "the answer cannot be unpacked."
    if _is_an_answer(error, cause):
        return f"no usable answer: {_words(cause)}."
    return f"the provider could not be reached: {_words(cause)}."


def _is_an_answer(error: Exception | None, cause: BaseException | None) -> bool:
    """Returns whether something came, but no answer of HTTP."""
    if isinstance(error, requests.RequestException):
        is_broken = isinstance(cause, HTTPException) and not isinstance(cause, OSError)
        return is_broken or isinstance(error, requests.exceptions.InvalidHeader)
    return error is not None


def _innermost(error: BaseException | None) -> BaseException | None:
    """Returns the first cause of a nested network error. The outer ones repeat the address."""
    while error is not None:
        causes = [getattr(error, "reason", None), *error.args]
        cause = next((cause for cause in causes if isinstance(cause, BaseException)), None)
        if cause is None:
            return error
        error = cause
    return None


def _words(error: BaseException | None) -> str:
    """Returns the words of an exception in one line, or its type if it has none."""
    if error is None:
        return "unknown reason"
    words = getattr(error, "strerror", None) or str(error.args[-1] if error.args else error)
    return excerpt(re.sub(r"^\w+\(.*?\): ", "", words), LONGEST_QUOTE).rstrip(".") or type(error).__name__


def _certificates() -> tuple[str, str]:
    """Returns the variable of the environment that names the certificates, and the path; empty without one."""
    return next(((name, os.environ[name]) for name in _CERTIFICATES if os.environ.get(name)), ("", ""))


def _proxy(error: requests.RequestException) -> str:
    """Returns host and port of the proxy that a request went to, without its user and password."""
    url = getattr(error.request, "url", None) or ""
    address = select_proxy(url, getproxies()) or ""
    host = urlsplit(address if "//" in address else f"//{address}").netloc.rpartition("@")[2]
    return f"{host} (from {urlsplit(url).scheme.upper()}_PROXY or ALL_PROXY in the environment)"
