"""The main job: invoices from every provider into a DuckDB file, with progress, a summary and a page of pictures.

`python -m demo` reads the sandbox, `python -m demo --config my.json` real accounts. It knows the connector only as an
executable that speaks the Airbyte protocol.
"""
