"""A PostgreSQL server of a test's own, from Debian's package."""

from system_tests.postgresql.server import NoPostgres, Postgres, programs

__all__ = ["NoPostgres", "Postgres", "programs"]
