"""What the demo writes is for its owner alone: invoices are nobody else's business."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def private_files() -> Iterator[None]:
    """Files and folders that are made meanwhile, by this process or by those that it starts, are closed to others."""
    earlier = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(earlier)


def close_to_others(database: Path, *others: Path) -> None:
    """Closes what an earlier run has left open: the database, what DuckDB keeps beside it, and the others."""
    for path in (database, *(database.with_name(f"{database.name}.{end}") for end in ("wal", "tmp")), *others):
        for found in (path, *path.rglob("*")) if path.is_dir() else (path,):
            if found.exists():
                found.chmod(0o700 if found.is_dir() else 0o600)
