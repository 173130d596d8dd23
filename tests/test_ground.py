"""Tests of the ground that the other tests stand on: the databases and switches of this folder, not the product."""

from collections.abc import Callable

import psycopg


def test_each_new_postgres_database_is_empty_and_apart(new_postgres_database: Callable[[], str]) -> None:
    first, second = new_postgres_database(), new_postgres_database()
    with psycopg.connect(first) as connection:
        connection.execute("CREATE TABLE only_here (x int)")
    with psycopg.connect(second) as connection:
        found = connection.execute("SELECT to_regclass('only_here'), version()").fetchone()
    assert found is not None
    assert found[0] is None
    assert found[1].startswith("PostgreSQL")


def test_counts_are_sampled_unless_full_is_asked_for(full_run: bool, pytestconfig: object) -> None:
    assert full_run is bool(pytestconfig.getoption("--full"))  # type: ignore[attr-defined]
