"""The process: `source-invoices`, the same as `python -m source_invoices`."""

from source_invoices.cli import main

if __name__ == "__main__":
    main()
