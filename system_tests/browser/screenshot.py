"""Makes docs/invoices.png: the top of the page that `make demo` writes, from the sandbox."""

import io
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

from demo.command_line import run
from system_tests.browser.chromium import Chromium

TARGET = Path(__file__).parent.parent.parent / "docs" / "invoices.png"
WIDTH = 960
LAST = "#ipxo_invoices .pictures"
"""The element at the end of the picture."""
MARGIN = 12
MOST = 300_000
"""The largest size in bytes, because the picture is in the repository."""


def main() -> int:
    """Syncs the sandbox and takes the picture."""
    with tempfile.TemporaryDirectory() as folder, Chromium() as browser:
        database = Path(folder) / "invoices.duckdb"
        with redirect_stdout(io.StringIO()):
            code = run(["--database", str(database)])
        if code:
            return code
        browser.open(database.with_suffix(".html"), WIDTH)
        bottom = browser.evaluate(f"document.querySelector('{LAST}').getBoundingClientRect().bottom")
        picture = browser.screenshot(WIDTH, bottom + MARGIN)
    if len(picture) >= MOST:
        print(f"The picture has {len(picture):,} bytes; less than {MOST:,} are allowed.", file=sys.stderr)
        return 1
    TARGET.write_bytes(picture)
    print(f"{TARGET.name}: {len(picture):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
