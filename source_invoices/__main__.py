"""`python -m source_invoices`, the same as the console script `source-invoices`."""

from source_invoices.run import run

if __name__ == "__main__":
    run()
