"""What goes wrong with single tables and with servers: the table is marked with its reason, and the rest goes on."""

import datetime as dt
import itertools
import os
import threading
import uuid

import pytest
import sqlalchemy as sa

from ennu_lib.clock import VirtualClock
from ennu_lib.config import ReadingParams
from ennu_lib.errors import OutsideWindow
from ennu_lib.keys import Keys
from ennu_lib.source import Unread, connect, extract, reflect
from ennu_lib.workspace import Workspace
from tests.conftest import SERVERS, fresh_database

KEYS = Keys("k" * 40)
QUICK = ReadingParams(lock_wait_seconds=1, reconnect_seconds=20)
# Four in the morning, and noon, in New York.
MONDAY_MORNING = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
MONDAY_NOON = dt.datetime(2026, 1, 5, 17, tzinfo=dt.UTC)


@pytest.fixture(params=list(SERVERS))
def engine(request):
    yield from engine_with_tables(request.param)


@pytest.fixture(params=["sqlite", *SERVERS])
def any_engine(request, tmp_path):
    yield from engine_with_tables(request.param, tmp_path)


@pytest.fixture
def postgres():
    yield from engine_with_tables("postgresql")


def engine_with_tables(server, folder=None):
    if server == "sqlite":
        (folder / "s.sqlite").touch()
        urls = [f"sqlite:///{folder / 's.sqlite'}"]
    else:
        urls = fresh_database(server)
    for url in urls:
        made = connect(url)
        with made.begin() as db:
            for name in "abc":
                db.exec_driver_sql(f"CREATE TABLE {name} (id integer PRIMARY KEY, note varchar(40))")
                db.exec_driver_sql(f"INSERT INTO {name} VALUES (1, 'x'), (2, 'y'), (3, NULL)")
        yield made
        made.dispose()


def taken(engine, tmp_path, shapes=None, **more):
    options = {"reading": QUICK, **more}
    return extract(engine, shapes or reflect(engine), Workspace("r", tmp_path / "w"), KEYS, **options)


def unread(found):
    return {name: table.unread for name, table in found.items() if table.unread}


def at_table(name, act):
    """A progress function that acts once, when the first rows of table `name` have arrived."""
    once = []

    def look(_done, _total, table):
        if table == name and not once:
            once.append(table)
            act()

    return look


def test_a_table_dropped_after_the_schema_was_read(any_engine, tmp_path):
    shapes = reflect(any_engine)
    with any_engine.begin() as db:
        db.exec_driver_sql("DROP TABLE b")
    found = taken(any_engine, tmp_path, shapes)
    assert unread(found) == {"b": Unread.GONE}
    assert (found["b"].file, found["a"].rows, found["c"].rows) == (None, 3, 3)


def test_nobody_waits_for_the_extraction_to_alter_or_drop_a_table(engine, tmp_path):
    """The lock on a table's shape is given back after the table, and not at the end of the snapshot."""
    waits = {"mysql": "SET SESSION lock_wait_timeout = 1", "postgresql": "SET lock_timeout = '1s'"}

    def alter():
        with engine.connect() as db:
            db.exec_driver_sql(waits[engine.dialect.name])
            db.exec_driver_sql("DROP TABLE a")
            db.exec_driver_sql("DROP TABLE c")
            db.commit()

    found = taken(engine, tmp_path, progress=at_table("b", alter))
    assert unread(found) == {"c": Unread.GONE}
    assert found["a"].rows == 3


def test_a_table_that_somebody_holds_locked(engine, tmp_path):
    lock = {"mysql": "LOCK TABLES b WRITE", "postgresql": "LOCK TABLE b IN ACCESS EXCLUSIVE MODE"}
    shapes = reflect(engine)
    with engine.connect() as other:
        other.exec_driver_sql(lock[engine.dialect.name])
        found = taken(engine, tmp_path, shapes)
    assert unread(found) == {"b": Unread.LOCKED}
    assert found["c"].rows == 3
    again = taken(engine, tmp_path, shapes)
    assert (unread(again), again["b"].rows) == ({}, 3)
    assert again["b"].snapshot != again["a"].snapshot


def test_a_table_and_a_view_that_the_user_may_not_read(engine, tmp_path):
    user = f"u{uuid.uuid4().hex[:8]}"
    mysql = engine.dialect.name == "mysql"
    database = engine.url.database
    grants = (
        [f"GRANT SELECT ON {database}.{t} TO {user}@'%%'" for t in "ac"]
        + [f"GRANT SELECT (id) ON {database}.b TO {user}@'%%'"]
        if mysql
        else [f"GRANT SELECT ON a, c TO {user}"]
    )
    with engine.connect() as db:
        db.exec_driver_sql("CREATE VIEW seen AS SELECT id FROM b")
        db.exec_driver_sql(f"CREATE USER {user}" + ("@'%%' IDENTIFIED BY 'pw'" if mysql else " PASSWORD 'pw'"))
        for grant in grants:
            db.exec_driver_sql(grant)
        db.commit()
        shapes = reflect(engine)
        reader = connect(engine.url.set(username=user, host="127.0.0.1").render_as_string(hide_password=False), "pw")
        try:
            assert "seen" not in shapes
            found = taken(reader, tmp_path, shapes)
        finally:
            reader.dispose()
            if not mysql:
                db.exec_driver_sql(f"DROP OWNED BY {user}")
            db.exec_driver_sql(f"DROP USER {user}" + ("@'%%'" if mysql else ""))
            db.commit()
    assert unread(found) == {"b": Unread.NO_PERMISSION}


@pytest.fixture
def database_in(request):
    """A PostgreSQL database in another character set than UTF-8."""
    base = os.environ.get(SERVERS["postgresql"])
    if not base:
        pytest.skip(f"no postgresql server: set {SERVERS['postgresql']}")
    name = f"ennu_{uuid.uuid4().hex[:12]}"
    server = sa.create_engine(base, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with server.connect() as db:
        plain = f"ENCODING '{request.param}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
        db.exec_driver_sql(f"CREATE DATABASE {name} {plain}")
    engine = connect(sa.make_url(base).set(database=name).render_as_string(hide_password=False))
    yield engine
    engine.dispose()
    with server.connect() as db:
        db.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("database_in", ["SQL_ASCII"], indirect=True)
def test_a_column_that_cannot_be_decoded(database_in, tmp_path):
    """Without a character set a server takes any bytes, also such as are no text."""
    with database_in.begin() as db:
        db.exec_driver_sql("CREATE TABLE old (id integer PRIMARY KEY, note text)")
        db.exec_driver_sql("CREATE TABLE sound (id integer PRIMARY KEY, note text)")
        db.exec_driver_sql("INSERT INTO sound VALUES (1, 'x')")
        db.exec_driver_sql("SET client_encoding TO 'SQL_ASCII'")
        db.exec_driver_sql("INSERT INTO old VALUES (1, E'\\xff41')")
    found = taken(database_in, tmp_path)
    assert unread(found) == {"old": Unread.UNDECODABLE}
    assert found["sound"].rows == 1


@pytest.mark.parametrize("database_in", ["LATIN1"], indirect=True)
def test_another_character_set_is_read_as_what_it_means(database_in, tmp_path):
    with database_in.begin() as db:
        db.exec_driver_sql("CREATE TABLE old (id integer PRIMARY KEY, note text)")
        db.exec_driver_sql("INSERT INTO old VALUES (1, 'Müller')")
    taken(database_in, tmp_path)
    assert Workspace("r", tmp_path / "w").scan("source/old").collect()["note"].to_list() == ["Müller"]


def kill_others(engine):
    """End every other session of this database, as a restart of the server does."""
    queries = {
        "mysql": "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()",
        "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    }
    end = {"mysql": "KILL {}", "postgresql": "SELECT pg_terminate_backend({})"}[engine.dialect.name]
    with engine.connect() as db:
        for (session,) in db.exec_driver_sql(queries[engine.dialect.name]).all():
            db.exec_driver_sql(end.format(session))


@pytest.fixture
def long_table(engine):
    """Table b with so many rows that they cannot all be on their way when the first arrive."""
    wide = {
        "mysql": "SELECT seq, repeat('x', 4000) FROM seq_10_to_9000",
        "postgresql": "SELECT n, repeat('x', 4000) FROM generate_series(10, 9000) n",
    }[engine.dialect.name]
    with engine.begin() as db:
        db.exec_driver_sql("DROP TABLE b")
        db.exec_driver_sql("CREATE TABLE b (id integer PRIMARY KEY, note text)")
        db.exec_driver_sql(f"INSERT INTO b {wide}")
    return engine


def test_a_restart_costs_a_second_snapshot_and_no_table(long_table, tmp_path):
    act = at_table("b", lambda: kill_others(long_table))
    found = taken(long_table, tmp_path, progress=act, chunk_rows=1000)
    assert unread(found) == {}
    assert [t.rows for t in found.values()] == [3, 8991, 3]
    first, second, third = (t.snapshot for t in found.values())
    assert first != second == third


def test_a_table_at_which_the_connection_is_lost_every_time_is_given_up(long_table, tmp_path):
    def look(_done, _total, table):
        if table == "b":
            kill_others(long_table)

    found = taken(long_table, tmp_path, progress=look, chunk_rows=1000)
    assert unread(found) == {"b": Unread.LOST}
    assert (found["b"].rows, found["b"].file, found["c"].rows) == (8991, None, 3)
    assert not Workspace("r", tmp_path / "w").exists("source/b")


def hours(begin, end, **more):
    return ReadingParams(windows=({"from": begin, "to": end},), time_zone="America/New_York", **more)


def test_outside_its_hours_the_extraction_waits_for_the_window(any_engine, tmp_path):
    said = []
    found = taken(
        any_engine,
        tmp_path,
        reading=hours("20:00", "06:00"),
        clock=VirtualClock(MONDAY_NOON),
        progress=lambda *state: said.append(state[2]),
    )
    assert said[0] == "waiting until Monday 20:00 (America/New_York)"
    assert {t.snapshot for t in found.values()} == {"2026-01-06T01:00:00.000+00:00"}


def test_a_window_that_closes_ends_the_snapshot_and_the_next_one_goes_on(any_engine, tmp_path):
    clock = VirtualClock(MONDAY_MORNING)
    reading = hours("04:00", "04:30", max_rows_per_second=1)
    found = taken(any_engine, tmp_path, reading=reading, clock=clock, progress=at_table("b", lambda: clock.sleep(3600)))
    assert unread(found) == {}
    assert [t.snapshot[:10] for t in found.values()] == ["2026-01-05", "2026-01-06", "2026-01-06"]


def test_a_run_may_stop_outside_its_hours_and_says_when_to_start_it_again(any_engine, tmp_path):
    reading = hours("20:00", "06:00", outside_windows="stop")
    with pytest.raises(OutsideWindow, match="Monday 20:00"):
        taken(any_engine, tmp_path, reading=reading, clock=VirtualClock(MONDAY_NOON))


def test_the_cap_on_the_load_holds(any_engine, tmp_path):
    clock = VirtualClock()
    taken(any_engine, tmp_path, reading=ReadingParams(max_rows_per_second=2), clock=clock)
    assert 9 / 2 <= clock.monotonic() <= 9 / 2 + 1


def test_the_fast_reader_ends_with_whoever_stops_it(any_engine, tmp_path):
    def stop(*_state):
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        taken(any_engine, tmp_path, progress=stop)
    assert threading.active_count() == before
    assert {t.rows for t in taken(any_engine, tmp_path).values()} == {3}


def test_a_table_longer_than_a_window_is_marked(any_engine, tmp_path):
    clock = VirtualClock(MONDAY_MORNING)
    found = taken(
        any_engine,
        tmp_path,
        reading=hours("04:00", "04:30"),
        clock=clock,
        progress=lambda _d, _t, table: clock.sleep(3600) if table == "b" else None,
    )
    assert unread(found) == {"b": Unread.TOO_LONG}
    assert list(itertools.chain(t.rows for t in found.values())) == [3, 3, 3]
