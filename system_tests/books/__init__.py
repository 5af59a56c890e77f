"""The dbt package on DuckDB and PostgreSQL: `make books-test`."""
