"""The models of the dbt package as plain SQL, for those without dbt: `make sql` writes dbt/sql."""
