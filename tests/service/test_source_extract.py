"""The source on real databases: every value survives, a killed extraction resumes, nothing is half there."""

import polars as pl
import pytest
import sqlalchemy as sa

from ennu_lib.errors import SourceRefused, SourceUnreachable
from ennu_lib.keys import Keys
from ennu_lib.source import KEY, Kind, TableDigest, Unread, connect, extract, read_extracted, reflect
from ennu_lib.workspace import Workspace
from tests.conftest import fresh_database

KEYS = Keys("k" * 40)


@pytest.fixture
def engine(database_url):
    engine = connect(database_url)
    zero = "'0000-00-00'" if engine.dialect.name != "postgresql" else "'0001-01-01'"
    blob = {"postgresql": "bytea"}.get(engine.dialect.name, "blob")
    text = {"mysql": "longtext"}.get(engine.dialect.name, "text")
    quote = engine.dialect.identifier_preparer.quote_identifier
    with engine.begin() as db:
        if engine.dialect.name == "mysql":
            db.exec_driver_sql("SET SESSION sql_mode = ''")
        run = db.exec_driver_sql
        run(
            f"CREATE TABLE {quote('25again things')} (id integer PRIMARY KEY, {quote('range')} decimal(12,4), "
            f"born date, at time, photo {blob}, {quote('Read')} varchar(80), note {text}, amount double precision)"
        )
        run(f"CREATE TABLE keyless (a varchar(10), {quote('order')} integer)")
        run("CREATE TABLE empty_one (id integer PRIMARY KEY)")
        rows = [
            "(1, 12.5000, '2020-02-29', '23:59:59', NULL, 'É 漢 ''q''', NULL, 0.1)",
            f"(2, -0.0001, {zero}, NULL, NULL, '', '{'x' * 70_000}', 1e300)",
            "(3, NULL, NULL, NULL, NULL, NULL, 'NULL', NULL)",
        ]
        for row in rows:
            run(f"INSERT INTO {quote('25again things')} VALUES {row}")
        run("INSERT INTO keyless VALUES ('a', 1), ('a', 1), (NULL, 2)")
    yield engine
    engine.dispose()


def taken(engine, tmp_path, **more):
    workspace = Workspace("r", tmp_path / "w")
    return workspace, extract(engine, reflect(engine), workspace, KEYS, **more)


def test_every_value_survives(engine, tmp_path):
    workspace, _ = taken(engine, tmp_path, chunk_rows=2)
    frame = workspace.scan("source/25again things").collect()
    assert frame[KEY].to_list() == ["1", "2", "3"]
    assert [str(v) if v is not None else None for v in frame["range"]] == ["12.5000", "-0.0001", None]
    assert frame["born"].to_list()[0] == "2020-02-29"
    assert frame["born"].to_list()[1][:4] in ("0000", "0001")
    assert frame["at"].to_list()[0] == "23:59:59"
    assert frame["Read"].to_list() == ["É 漢 'q'", "", None]
    assert len(frame["note"][1]) == 70_000
    assert frame["note"][2] == "NULL"
    assert frame["amount"].to_list() == [0.1, 1e300, None]


def test_tables_without_a_key_are_streamed_and_counted_with_their_repeats(engine, tmp_path):
    workspace, found = taken(engine, tmp_path)
    assert found["keyless"].rows == 3
    assert found["keyless"].key == ()
    assert workspace.scan("source/keyless").collect()[KEY].to_list() == ["row-0", "row-1", "row-2"]
    assert found["empty_one"].rows == 0
    assert workspace.scan("source/empty_one").collect().height == 0


def test_the_digest_is_free_of_order_and_chunking_and_knows_repeats(engine, tmp_path):
    _, found = taken(engine, tmp_path, chunk_rows=1)
    frame = Workspace("r", tmp_path / "w").scan("source/keyless").collect().drop(KEY)
    assert _digest(frame.reverse()) == found["keyless"].digest
    assert _digest(frame.unique()) != found["keyless"].digest
    assert _digest(frame.with_columns(pl.col("a").fill_null(""))) != found["keyless"].digest


def _digest(frame: pl.DataFrame) -> str:
    digest = TableDigest(KEYS)
    for part in frame.iter_slices(2):
        digest.add(part)
    return digest.value()


def test_tables_with_credentials_are_counted_and_never_read(engine, tmp_path):
    workspace, found = taken(engine, tmp_path, counted_only=["keyless"])
    assert (found["keyless"].rows, found["keyless"].file) == (3, None)
    assert not workspace.exists("source/keyless")


def test_a_table_that_shall_be_read_or_shall_not_is_looked_at_again(engine, tmp_path):
    taken(engine, tmp_path, counted_only=["keyless"])
    workspace, found = taken(engine, tmp_path)
    assert found["keyless"].file
    workspace, found = taken(engine, tmp_path, counted_only=["keyless"])
    assert (found["keyless"].file, workspace.exists("source/keyless")) == (None, False)


def test_an_extraction_that_was_killed_goes_on_at_its_table(engine, tmp_path):
    class Killed(BaseException):
        pass

    def kill(_done, _total, table):
        if table == "keyless":
            raise Killed

    with pytest.raises(Killed):
        taken(engine, tmp_path, progress=kill)
    workspace = Workspace("r", tmp_path / "w")
    assert "25again things" in read_extracted(workspace)
    assert not workspace.exists("source/keyless")
    assert not list((workspace.root / "source").glob(".*part*"))
    seen = []
    _, found = taken(engine, tmp_path, progress=lambda _d, _t, table: seen.append(table))
    assert set(seen) == {"keyless"}
    assert {t.rows for t in found.values()} == {0, 3}


def test_a_table_that_vanishes_is_marked_and_the_rest_goes_on(engine, tmp_path):
    shapes = reflect(engine)
    with engine.begin() as db:
        db.exec_driver_sql("DROP TABLE keyless")
    found = extract(engine, shapes, Workspace("r", tmp_path / "w"), KEYS)
    assert {name: table.unread for name, table in found.items()} == {
        "25again things": "",
        "empty_one": "",
        "keyless": Unread.GONE,
    }


def test_one_snapshot_does_not_see_later_changes(engine, tmp_path):
    if engine.dialect.name == "sqlite":
        with engine.begin() as db:
            db.exec_driver_sql("PRAGMA journal_mode=WAL")

    def meddle(_done, _total, table):
        if table == "25again things":
            with engine.begin() as db:
                db.execute(sa.text("INSERT INTO keyless VALUES ('late', 9)"))

    _, found = taken(engine, tmp_path, progress=meddle)
    assert found["keyless"].rows == 3


def test_values_of_another_type_are_kept_as_text(tmp_path):
    file = tmp_path / "odd.sqlite"
    file.touch()
    engine = connect(f"sqlite:///{file}")
    with engine.begin() as db:
        db.exec_driver_sql("CREATE TABLE odd (id integer PRIMARY KEY, n integer, d decimal(8,2))")
        db.exec_driver_sql("INSERT INTO odd VALUES (1, 5, 1.25), (2, 'five', 'n/a')")
    seen = []
    workspace, found = taken(engine, tmp_path, chunk_rows=1, progress=lambda *state: seen.append(state))
    assert seen[-1] == (2, 2, "odd")
    assert found["odd"].kept_as_text == ("d", "n")
    assert workspace.scan("source/odd").collect()["n"].to_list() == ["5", "five"]


@pytest.fixture
def postgres_engine():
    for url in fresh_database("postgresql"):
        with sa.create_engine(url).begin() as db:
            db.exec_driver_sql(f"ALTER DATABASE {sa.make_url(url).database} SET datestyle TO 'SQL, DMY'")
            db.exec_driver_sql("CREATE TABLE visits (id integer PRIMARY KEY, day date, form jsonb, tags text[])")
            db.exec_driver_sql("INSERT INTO visits VALUES (1, '2026-04-03', '{\"a\": [1.50, null]}', '{x,y}')")
        yield connect(url)


def test_postgresql_gives_its_own_text_of_days_json_and_arrays(postgres_engine, tmp_path):
    workspace, _ = taken(postgres_engine, tmp_path)
    assert workspace.scan("source/visits").collect().row(0) == ("1", 1, "2026-04-03", '{"a": [1.50, null]}', "{x,y}")


def test_types_are_kept(engine):
    kinds = {c.name: c.kind for c in reflect(engine)["25again things"].columns}
    assert kinds["range"] is Kind.DECIMAL
    assert kinds["born"] is Kind.MOMENT
    assert kinds["photo"] is Kind.BYTES
    assert kinds["Read"] is Kind.TEXT


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("mysql+nodriver://x@127.0.0.1/x", SourceUnreachable),
        ("oracle://x@127.0.0.1/x", SourceUnreachable),
        ("mysql://root@127.0.0.1:1/x", SourceUnreachable),
        ("postgresql://root@127.0.0.1:1/x", SourceUnreachable),
        ("sqlite:////nowhere/at/all.sqlite", SourceUnreachable),
    ],
)
def test_a_source_that_does_not_answer_says_what_to_check(url, error):
    with pytest.raises(error):
        connect(url)


def test_a_wrong_password_is_told_from_a_dead_server(database_url):
    url = sa.make_url(database_url)
    if url.get_backend_name() != "mysql":
        pytest.skip("only the MariaDB of the tests asks for a password")
    with pytest.raises(SourceRefused, match="refuses the user or the password"):
        connect(url.set(username="nobody").render_as_string(hide_password=False), "wrong")
