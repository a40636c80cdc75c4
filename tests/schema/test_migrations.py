"""What the migrations make is what the tables say, and what is append-only stays."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import sqlalchemy
from sqlalchemy import Engine, inspect, text
from sqlmodel import Session, SQLModel, create_engine

from schema import migrate
from schema.append_only import forbid_changes
from schema.tables import APPEND_ONLY, Location, Merchant, Movement, MovementKind

COLUMNS = "SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute "
CONSTRAINTS = (
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE connamespace = 'public'::regnamespace"
)
CATALOGUE = {
    "sqlite": ["SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"],
    "postgresql": [
        COLUMNS
        + "WHERE attnum > 0 AND NOT attisdropped AND attrelid::regclass::text IN (SELECT tablename FROM pg_tables"
        " WHERE schemaname = 'public')",
        CONSTRAINTS,
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    ],
}


@pytest.fixture
def migrated(database_url: str) -> Iterator[Engine]:
    migrate.upgrade(database_url)
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def created(database_backend: str, tmp_path, request) -> Iterator[Engine]:
    """A database made from the tables directly."""
    if database_backend == "sqlite":
        engine = create_engine(f"sqlite:///{tmp_path / 'created.db'}")
    else:
        server = request.getfixturevalue("pg_server")
        engine = create_engine(server.create_database())
    SQLModel.metadata.create_all(engine)
    with engine.begin() as connection:
        for statement in forbid_changes(engine.dialect.name, APPEND_ONLY):
            connection.execute(text(statement))
    url = engine.url.render_as_string(hide_password=False)
    yield engine
    engine.dispose()
    if database_backend == "postgresql":
        server.drop_database(url)


def catalogue(engine: Engine) -> set[tuple[str, ...]]:
    with engine.connect() as connection:
        rows = [row for query in CATALOGUE[engine.dialect.name] for row in connection.execute(text(query))]
    # Where parts of a CREATE TABLE stand in a statement does not matter: columns and constraints are compared as a set.
    return {
        (*(str(part) for part in row[:-1]), *sorted(normal(str(row[-1]))))
        for row in rows
        if "alembic_version" not in str(row)
    }


def normal(definition: str) -> list[str]:
    return [" ".join(line.split()).strip(" ,").replace('"', "") for line in definition.splitlines()]


def test_migrating_an_empty_database_makes_exactly_the_tables(migrated, created):
    assert catalogue(migrated) ^ catalogue(created) == set()


def test_every_table_every_partial_index_and_every_word_list_is_there(migrated):
    found = inspect(migrated)
    assert set(found.get_table_names()) - {"alembic_version"} == set(SQLModel.metadata.tables)
    everything = " ".join(" ".join(row) for row in catalogue(migrated))
    for name in ("uq_connection_account", "uq_issue_open", "uq_rule_scope", "ck_connection_role", "ck_movement_kind"):
        assert name in everything


def test_nobody_else_can_read_the_database_file(tmp_path):
    file = tmp_path / "syncd.sqlite"
    migrate.upgrade(f"sqlite:///{file}")
    assert file.stat().st_mode & 0o077 == 0


def test_migrating_twice_changes_nothing_and_ends_at_the_newest(database_url):
    assert migrate.current(database_url) is None
    migrate.upgrade(database_url)
    migrate.upgrade(database_url)
    assert migrate.current(database_url) == migrate.head()


@pytest.mark.parametrize("database_backend", ["sqlite"], indirect=True)
def test_a_migration_that_fails_leaves_nothing_behind(database_url):
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE movement (id INTEGER)")
    with pytest.raises(sqlalchemy.exc.OperationalError):
        migrate.upgrade(database_url)
    assert inspect(engine).get_table_names() == ["movement"]
    engine.dispose()


@pytest.fixture
def with_movement(migrated: Engine) -> Engine:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    with Session(migrated) as session:
        merchant = Merchant(name="M", created_at=now)
        session.add(merchant)
        session.flush()
        location = Location(merchant_id=merchant.id, external_id="L1")
        session.add(location)
        session.flush()
        session.add(
            Movement(
                merchant_id=merchant.id,
                location_id=location.id,
                sku="MUG",
                kind=MovementKind.READING,
                source="ledger",
                event="e",
                occurred_at=now,
                recorded_at=now,
            )
        )
        session.commit()
    return migrated


@pytest.mark.parametrize("change", ["UPDATE movement SET sku = 'CUP'", "DELETE FROM movement"])
def test_a_movement_can_neither_be_changed_nor_deleted(with_movement, change):
    with pytest.raises(sqlalchemy.exc.IntegrityError, match="append-only"), with_movement.begin() as connection:
        connection.exec_driver_sql(change)
    with with_movement.connect() as connection:
        assert connection.exec_driver_sql("SELECT sku FROM movement").scalars().all() == ["MUG"]


@pytest.mark.parametrize("database_backend", ["postgresql"], indirect=True)
def test_the_ledger_cannot_be_truncated(with_movement):
    with pytest.raises(sqlalchemy.exc.IntegrityError, match="append-only"), with_movement.begin() as connection:
        connection.exec_driver_sql("TRUNCATE movement CASCADE")


def test_a_second_row_of_one_cause_is_refused(with_movement):
    copy = (
        "INSERT INTO movement SELECT 99, merchant_id, location_id, sku, kind, on_hand_delta, open_delta, value, source,"
        " event, line, n, order_id, note, actor, occurred_at, recorded_at FROM movement"
    )
    with pytest.raises(sqlalchemy.exc.IntegrityError), with_movement.begin() as connection:
        connection.exec_driver_sql(copy)


def test_a_word_that_is_not_in_its_list_is_refused_by_the_database(migrated):
    with pytest.raises(sqlalchemy.exc.IntegrityError), migrated.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO sync_run (id, merchant_id, kind, cause, state, is_dry, wants, counts, done, words, started_at)"
            " VALUES (1, 1, 'x', '', 'sleeping', '0', '{}', '{}', 0, '', '2026-11-21')"
        )
