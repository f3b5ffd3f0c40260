"""Rows read many at once are the rows read one by one: same types, same values, same digest, on every server."""

import pytest

from ennu_lib.keys import Keys
from ennu_lib.source import connect, extract, reflect
from ennu_lib.source.shapes import Kind
from ennu_lib.source.snapshot import Snapshot, snapshot
from ennu_lib.source.values import Unfit
from ennu_lib.workspace import Workspace
from tests.conftest import fresh_database

KEYS = Keys("k" * 40)
MARIADB = (
    "SET SESSION sql_mode = ''",
    "CREATE TABLE kinds (id int PRIMARY KEY, b bit(5), e enum('a','b'), s set('x','y'), y year, t time, "
    "tm timestamp(3) NULL, dt datetime(6), d date, j json, u bigint, ub int unsigned zerofill, f float, db double, "
    "dc decimal(20,6), bl blob, vb varbinary(10), bi binary(4), tx longtext, c char(5), ti tinyint(1), "
    "l1 varchar(20) CHARACTER SET latin1, `a%b` int, `c:d` int, uu uuid, i6 inet6)",
    "INSERT INTO kinds VALUES (1, b'10101', 'a', 'x,y', 2020, '838:59:59', '2020-01-01 00:00:00.123', "
    "'0000-00-00 00:00:00', '0000-00-00', '{\"a\": 1.50}', -9223372036854775808, 42, 0.1, 1e300, -0.000001, x'00ff', "
    "x'0001', x'01', repeat('é', 70000), 'ab', 1, 'ü', 5, 6, uuid(), '::1')",
    "INSERT INTO kinds (id, tx, c) VALUES (2, '', ''), (3, NULL, 'x')",
    "CREATE TABLE wide (id int PRIMARY KEY, a longtext, b longtext)",
    "INSERT INTO wide VALUES (1, repeat('x', 300), repeat('y', 15000000)), (2, 'z', NULL)",
    "CREATE TABLE blobs (id int PRIMARY KEY, a tinyblob, b mediumblob, c longblob)",
    "INSERT INTO blobs VALUES (1, x'ff00', x'ff00', x'ff00'), (2, NULL, '', x'c3a9')",
    "CREATE TABLE lengths (id int PRIMARY KEY, a text, b text)",
    "INSERT INTO lengths SELECT seq, repeat('a', seq), 'end' FROM seq_240_to_300",
    "INSERT INTO lengths SELECT seq, repeat('a', seq), 'end' FROM seq_65530_to_65535",
    "CREATE TABLE late_key (a text, b varchar(5), id int PRIMARY KEY)",
    "INSERT INTO late_key SELECT if(seq % 3, repeat('é', seq * 40), NULL), nullif(seq, 4), seq FROM seq_1_to_7",
    "CREATE TABLE huge (id int PRIMARY KEY, a longtext, b longtext)",
    "INSERT INTO huge VALUES (1, repeat('x', 9000000), repeat('y', 9000000)), (2, 'z', NULL)",
    "CREATE TABLE beyond (id bigint unsigned PRIMARY KEY)",
    "INSERT INTO beyond VALUES (18446744073709551615)",
)
POSTGRESQL = (
    "CREATE TYPE mood AS ENUM ('sad', 'ok')",
    "CREATE TABLE kinds (id int PRIMARY KEY, b bit(5), e mood, t time, tz timestamptz, ts timestamp, d date, "
    "iv interval, j jsonb, ar int[], u bigint, sm smallint, f real, db double precision, dc numeric(20,6), nn numeric, "
    'bl bytea, tx text, c char(5), bo boolean, uu uuid, i inet, m money, "a%b""c:d" int, vb bit varying(9))',
    "INSERT INTO kinds VALUES (1, b'10101', 'sad', '23:59:59.5', '2020-01-01 00:00:00.123+02', 'infinity', "
    "'-infinity', '1 day 2 hours', '{\"a\": 1.50}', '{1,NULL}', -9223372036854775808, 7, 0.1, 1e300, -0.000001, 12.5, "
    "'\\x00ff', repeat('é', 70000), 'ab', true, '123e4567-e89b-12d3-a456-426614174000', '::1', 12.5, 5, b'101')",
    "INSERT INTO kinds (id, tx, c, f, db) VALUES (2, '', '', 'NaN', '-Infinity'), (3, NULL, 'x', 0, 0)",
)
SQLITE = (
    "CREATE TABLE kinds (id integer PRIMARY KEY, n numeric(12,4), r real, t text, d date, b blob, o boolean, "
    "v varchar(5), dt datetime)",
    "INSERT INTO kinds VALUES (1, 1.5, 2, 'é', '2020-01-01', x'00ff', 1, 'abc', 1577836800), "
    "(2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (3, 2, 1e300, '', '0000-00-00', x'', 0, 5, 2)",
    "CREATE TABLE bytes_in_text (id integer PRIMARY KEY, t text)",
    "INSERT INTO bytes_in_text VALUES (1, CAST(x'ff41' AS text)), (2, 'ok')",
    "CREATE TABLE late (id integer PRIMARY KEY, n integer)",
    "INSERT INTO late WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 3000) "
    "SELECT x, CASE WHEN x = 2500 THEN 'nan' ELSE x END FROM c",
    "CREATE TABLE no_numbers (id integer PRIMARY KEY, n real)",
    "INSERT INTO no_numbers VALUES (1, 'nan'), (2, 'inf')",
)
TABLES = {"sqlite": SQLITE, "mariadb": MARIADB, "postgresql": POSTGRESQL}
ROW_BY_ROW = {"bytes_in_text", "late", "no_numbers", "beyond", "huge"}


@pytest.fixture(params=list(TABLES))
def engine(request, tmp_path):
    if request.param == "sqlite":
        (tmp_path / "s.sqlite").touch()
        urls = [f"sqlite:///{tmp_path / 's.sqlite'}"]
    else:
        urls = fresh_database(request.param)
    for url in urls:
        made = connect(url)
        with made.begin() as db:
            for statement in TABLES[request.param]:
                doubled = statement if request.param == "sqlite" else statement.replace("%", "%%")
                db.exec_driver_sql(doubled)
        yield made
        made.dispose()


@pytest.mark.parametrize("size", [2, 1000])
def test_both_ways_give_the_same(engine, tmp_path, monkeypatch, size):
    shapes = reflect(engine)
    workspaces = [Workspace(name, tmp_path / "w") for name in ("fast", "slow")]
    fast = extract(engine, shapes, workspaces[0], KEYS, chunk_rows=size)
    monkeypatch.setattr(Snapshot, "read", lambda *_: None)
    slow = extract(engine, shapes, workspaces[1], KEYS, chunk_rows=size)
    for name in shapes:
        frames = [w.scan(f"source/{name}").collect() for w in workspaces]
        assert frames[0].schema == frames[1].schema
        assert frames[0].equals(frames[1]), name
        assert (fast[name].digest, fast[name].kept_as_text) == (slow[name].digest, slow[name].kept_as_text)


def test_bytes_stay_bytes(engine):
    if engine.dialect.name == "mysql":
        shape = reflect(engine)["blobs"]
        assert [c.kind for c in shape.columns[1:]] == [Kind.BYTES] * 3
        with snapshot(engine) as taken:
            (frame,) = taken.read(shape, 1000)
        assert frame["c"].to_list() == [b"\xff\x00", b"\xc3\xa9"]


def test_only_what_does_not_fit_its_types_is_read_row_by_row(engine):
    with snapshot(engine) as taken:
        for name, shape in reflect(engine).items():
            try:
                rows = sum(frame.height for frame in taken.read(shape, 1000))
            except Unfit:
                rows = None
            assert (rows is None) == (name in ROW_BY_ROW), name
