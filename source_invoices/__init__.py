"""Airbyte source that syncs invoices from IPXO, Nexudus and Payhubix."""

from typing import Any


def __getattr__(name: str) -> Any:
    """`SourceInvoices`, imported when it is asked for: the command line imports all else in a way of its own."""
    if name == "SourceInvoices":
        from source_invoices.source import SourceInvoices  # noqa: PLC0415

        return SourceInvoices
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
