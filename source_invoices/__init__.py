"""Airbyte source that syncs invoices from IPXO, Nexudus and Payhubix."""

from typing import Any


def __getattr__(name: str) -> Any:
    """Imports `SourceInvoices` only when it is asked for, so that `spec` and `--help` import no CDK."""
    if name == "SourceInvoices":
        from source_invoices.source import SourceInvoices  # noqa: PLC0415

        return SourceInvoices
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
