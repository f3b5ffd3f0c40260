"""How servers store their tables: every quirk is seen on the server that has it."""

import uuid

import pytest
import sqlalchemy as sa

from ennu_lib.source import Quirk, connect, read_quirks, reflect
from tests.conftest import fresh_database

MARIADB = """
CREATE TABLE sound (id INT PRIMARY KEY, note VARCHAR(20)) COLLATE utf8mb4_general_ci;
CREATE TABLE texts (id INT PRIMARY KEY, a VARCHAR(9), b VARCHAR(9)) COLLATE utf8mb4_general_ci;
CREATE TABLE aged (id INT PRIMARY KEY, d DATE NOT NULL DEFAULT '0000-00-00', t TEXT) ENGINE=MyISAM CHARSET=latin1;
CREATE TABLE kinds (u BIGINT UNSIGNED, b BIT(3), e ENUM('x','y'), s SET('a','b'), j JSON,
  g INT AS (1 + 1) STORED, h INT INVISIBLE) COLLATE utf8mb4_general_ci;
CREATE TABLE full_up (id TINYINT AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT = 120;
CREATE TABLE roomy (id INT AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT = 120;
CREATE TABLE parts (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 3;
CREATE TABLE versions (id INT PRIMARY KEY) WITH SYSTEM VERSIONING;
CREATE TABLE `Order` (`from` INT, `of us` INT, id INT PRIMARY KEY);
CREATE TRIGGER t BEFORE INSERT ON sound FOR EACH ROW SET NEW.note = 'x';
CREATE VIEW seen AS SELECT id FROM sound;
CREATE VIEW broken AS SELECT id FROM texts
"""
POSTGRESQL = """
CREATE TABLE sound (id INT PRIMARY KEY, note TEXT);
CREATE TABLE kinds (b BIT(3), e mood, j JSONB, a INT[], o whole, g INT GENERATED ALWAYS AS (1 + 1) STORED,
  c TEXT COLLATE "C", d DATE DEFAULT 'infinity');
CREATE UNLOGGED TABLE quick (id INT PRIMARY KEY);
CREATE TABLE full_up (id SMALLSERIAL PRIMARY KEY);
CREATE TABLE roomy (id SERIAL PRIMARY KEY);
SELECT setval('full_up_id_seq', 30000);
SELECT setval('roomy_id_seq', 30000);
CREATE TABLE parts (id INT PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE "Order" ("from" INT, "of us" INT, id INT PRIMARY KEY);
CREATE TABLE closed (id INT PRIMARY KEY);
ALTER TABLE closed ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON closed TO {user};
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER t BEFORE INSERT ON sound FOR EACH ROW EXECUTE FUNCTION f();
CREATE VIEW seen AS SELECT id FROM sound;
CREATE MATERIALIZED VIEW kept AS SELECT id FROM sound
"""
SQLITE = """
CREATE TABLE sound (id INTEGER PRIMARY KEY, note TEXT);
CREATE TABLE untyped (a, b TEXT);
CREATE TABLE kinds (id INTEGER PRIMARY KEY AUTOINCREMENT, j JSON, g INTEGER AS (1 + 1) STORED,
  d DATE DEFAULT '0000-00-00');
INSERT INTO kinds (id) VALUES (9223372036854775000);
CREATE TABLE by_key (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE exact (id INTEGER PRIMARY KEY) STRICT;
CREATE TABLE "Order" ("from" INT, "of us" INT, id INTEGER PRIMARY KEY);
CREATE TRIGGER t BEFORE INSERT ON sound BEGIN SELECT 1; END;
CREATE VIEW seen AS SELECT id FROM sound
"""
NAMES = {
    ("Order", Quirk.RESERVED_NAME): ("from",),
    ("Order", Quirk.MIXED_CASE): (),
    ("Order", Quirk.ODD_NAME): ("of us",),
    ("sound", Quirk.TRIGGERS): (),
    ("seen", Quirk.VIEW): (),
}


def made(url, script):
    engine = connect(url)
    with engine.begin() as db:
        if engine.dialect.name == "mysql":
            db.exec_driver_sql("SET SESSION sql_mode = ''")
        for statement in script.strip().split(";\n"):
            db.execute(sa.text(statement))
    return engine


def found_in(engine):
    quirks = read_quirks(engine, reflect(engine))
    assert quirks.untold == ()
    return quirks, {(o.table, o.quirk): o for o in quirks.found}


def test_mariadb(database_of):
    engine = made(database_of("mariadb"), MARIADB)
    with engine.begin() as db:
        db.exec_driver_sql("DROP TABLE texts")
    quirks, found = found_in(engine)
    assert {at: o.columns for at, o in found.items()} == {
        **NAMES,
        ("broken", Quirk.VIEW): (),
        ("aged", Quirk.NO_SNAPSHOT): (),
        ("aged", Quirk.NO_DATE_DEFAULT): ("d",),
        ("aged", Quirk.MIXED_COLLATION): ("t",),
        ("versions", Quirk.UNLISTED): (),
        ("kinds", Quirk.NO_KEY): (),
        ("kinds", Quirk.UNSIGNED): ("u",),
        ("kinds", Quirk.BIT): ("b",),
        ("kinds", Quirk.ENUM): ("e",),
        ("kinds", Quirk.SET): ("s",),
        ("kinds", Quirk.JSON): ("j",),
        ("kinds", Quirk.GENERATED): ("g",),
        ("kinds", Quirk.INVISIBLE): ("h",),
        ("full_up", Quirk.NEAR_END): ("id",),
        ("parts", Quirk.PARTITIONED): (),
    }
    assert found["full_up", Quirk.NEAR_END].detail == "94% used"
    assert found["parts", Quirk.PARTITIONED].detail == "hash, 3"
    assert found["aged", Quirk.MIXED_COLLATION].detail == "latin1_swedish_ci beside utf8mb4_general_ci"
    assert quirks.storage["aged"] == "MyISAM, dynamic rows, latin1_swedish_ci"


def test_postgresql(database_of):
    user = f"u{uuid.uuid4().hex[:8]}"
    engine = connect(database_of("postgresql"))
    with engine.begin() as db:
        db.exec_driver_sql(f"CREATE USER {user} PASSWORD 'pw'")
        db.exec_driver_sql("CREATE TYPE mood AS ENUM ('x', 'y')")
        db.exec_driver_sql("CREATE DOMAIN whole AS integer CHECK (VALUE >= 0)")
    made(engine.url.render_as_string(hide_password=False), POSTGRESQL.format(user=user))
    reader = connect(engine.url.set(username=user).render_as_string(hide_password=False), "pw")
    try:
        quirks, found = found_in(engine)
        theirs = {(o.table, o.quirk) for o in read_quirks(reader, reflect(reader)).found}
    finally:
        reader.dispose()
        with engine.begin() as db:
            db.exec_driver_sql(f"DROP OWNED BY {user}")
            db.exec_driver_sql(f"DROP USER {user}")
    assert {at: o.columns for at, o in found.items()} == {
        **NAMES,
        ("kept", Quirk.VIEW): (),
        ("quick", Quirk.LOST_BY_CRASH): (),
        ("part_1", Quirk.ROWS_TWICE): (),
        ("parts", Quirk.PARTITIONED): (),
        ("kinds", Quirk.NO_KEY): (),
        ("kinds", Quirk.BIT): ("b",),
        ("kinds", Quirk.ENUM): ("e",),
        ("kinds", Quirk.JSON): ("j",),
        ("kinds", Quirk.ARRAY): ("a",),
        ("kinds", Quirk.OWN_TYPE): ("o",),
        ("kinds", Quirk.GENERATED): ("g",),
        ("kinds", Quirk.MIXED_COLLATION): ("c",),
        ("kinds", Quirk.NO_DATE_DEFAULT): ("d",),
        ("full_up", Quirk.NEAR_END): ("id",),
    }
    assert ("closed", Quirk.HIDDEN_ROWS) in theirs, "the owner sees all rows, this user does not"
    assert found["part_1", Quirk.ROWS_TWICE].detail == "parts"
    assert quirks.storage["quick"].startswith("table, heap, unlogged, UTF8")


def test_sqlite(tmp_path):
    (tmp_path / "s.sqlite").touch()
    quirks, found = found_in(made(f"sqlite:///{tmp_path / 's.sqlite'}", SQLITE))
    assert {at: o.columns for at, o in found.items()} == {
        **NAMES,
        ("untyped", Quirk.UNTYPED): ("a",),
        ("untyped", Quirk.NO_KEY): (),
        ("kinds", Quirk.JSON): ("j",),
        ("kinds", Quirk.GENERATED): ("g",),
        ("kinds", Quirk.NO_DATE_DEFAULT): ("d",),
        ("kinds", Quirk.NEAR_END): ("id",),
        ("by_key", Quirk.WITHOUT_ROWID): (),
        ("exact", Quirk.STRICT): (),
    }
    assert quirks.storage["by_key"] == "table, by key, types not enforced, UTF-8"


def test_what_a_server_does_not_tell_stops_nothing(tmp_path, monkeypatch):
    (tmp_path / "s.sqlite").touch()
    engine = made(f"sqlite:///{tmp_path / 's.sqlite'}", SQLITE)
    monkeypatch.setattr("ennu_lib.source.quirks.sqlite.TRIGGERS", "SELECT nothing FROM nowhere")
    quirks = read_quirks(engine, reflect(engine))
    assert quirks.untold == ("triggers",)
    assert ("exact", Quirk.STRICT) in {(o.table, o.quirk) for o in quirks.found}


@pytest.fixture
def database_of():
    """A function that makes an empty database on a server; all of them are dropped afterwards."""
    open_ones = []

    def make(server):
        databases = fresh_database(server)
        open_ones.append(databases)
        return next(databases)

    yield make
    for databases in open_ones:
        next(databases, None)
