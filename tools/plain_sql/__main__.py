"""`python -m tools.plain_sql` or `make sql`."""

from tools.plain_sql.files import main

if __name__ == "__main__":
    main()
