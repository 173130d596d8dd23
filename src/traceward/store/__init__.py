"""Events on disk: tables, index rows, group commit, queries and paging on SQLite and PostgreSQL. No rules of EPCIS."""
