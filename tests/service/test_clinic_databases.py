"""The same clinic in PostgreSQL and in MariaDB as in SQLite, row by row."""

import os
import uuid
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
import yaml

from ennu_lib.catalog import Catalogue, load_catalogue
from ennu_lib.clinic import build_clinic
from ennu_lib.clinic.conform import conform
from ennu_lib.clinic.load_base import parse_url
from ennu_lib.clinic.load_mariadb import MariaDbLoader
from ennu_lib.errors import ConfigurationError, SourceRefused, SourceUnreachable
from tests.support.small_catalogue import table

PARAMS = Path(__file__).parents[2] / "params"
CATALOGUE = load_catalogue(PARAMS / "catalog")
THING = table(
    "thing",
    10,
    ("thing_id", "integer", "seq", {"key": "pk"}),
    ("order", "varchar(40)", "name", {"nulls": 0.1}),
    ("made", "date", "date:-9..0", {"nulls": 0.1}),
    ("price", "decimal(5,2)", "decimal:1..2", {"nulls": 0.1}),
    ("file", "blob", "blob:9", {"nulls": 0.1}),
    ("active", "boolean", "bool:0.1", {"nulls": 0.1}),
)
THINGS = [
    (1, "", "0000-00-00", 1.5, b'\x00\xff,"\n', True),
    (2, "NULL", "2024-02-29", 0.1, b"", False),
    (3, None, None, None, None, None),
    (4, 'a "b", \\N\nc – Müller 😀', "2024-01-01", -3.25, b"\\", True),
]
THINGS_AS_READ = [(*row[:5], None if row[5] is None else int(row[5])) for row in THINGS]
SERVERS = {"postgresql": "ENNU_TEST_POSTGRES_URL", "mariadb": "ENNU_TEST_MARIADB_URL"}
PATIENTS, SEED = 12, 5


@pytest.fixture(scope="module")
def params(tmp_path_factory):
    """Parameters of a clinic with short code lists, in two chunks."""
    content = yaml.safe_load((PARAMS / "clinic.yml").read_text()) | {"chunk_patients": 10, "fixed_table_floor": 10}
    path = tmp_path_factory.mktemp("params") / "clinic.yml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture(scope="module")
def in_sqlite(tmp_path_factory, params):
    file = tmp_path_factory.mktemp("sqlite") / "clinic.sqlite"
    build_clinic(f"sqlite:///{file}", PATIENTS, SEED, params=params)
    return sa.create_engine(f"sqlite:///{file}")


@pytest.fixture(scope="module", params=SERVERS)
def scratch_url(request):
    """A new empty database on the server, dropped afterwards."""
    variable = SERVERS[request.param]
    if not os.environ.get(variable):
        pytest.skip(f"{variable} is not set")
    server, name = sa.make_url(os.environ[variable]), f"ennu_clinic_{uuid.uuid4().hex[:12]}"
    driver = {"postgresql": "postgresql+psycopg", "mariadb": "mysql+pymysql"}[request.param]
    engine = sa.create_engine(server.set(drivername=driver), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield server.set(drivername=driver.split("+")[0], database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name}")


@pytest.fixture(scope="module")
def interrupted(scratch_url, params):
    """What a build says about a database in which an earlier one was interrupted, and about one of somebody else."""
    with engine_of(scratch_url).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE not_ours (x INTEGER)")

    def interrupt(done: int, expected: int, table: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_clinic(scratch_url, PATIENTS, SEED, params=params, progress=interrupt)
    with pytest.raises(ConfigurationError) as refused:
        build_clinic(scratch_url, PATIENTS, SEED, params=params)
    return str(refused.value)


@pytest.fixture(scope="module")
def in_server(interrupted, scratch_url, params):
    """An engine on a server database in which the clinic replaced an unfinished one."""
    summary = build_clinic(scratch_url, PATIENTS, SEED, params=params, replace=True)
    assert summary.tables == 189
    return engine_of(scratch_url)


def engine_of(url: str) -> sa.Engine:
    parsed = sa.make_url(url)
    driver = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}[parsed.get_backend_name()]
    return sa.create_engine(parsed.set(drivername=driver), poolclass=sa.NullPool)


def contents(engine: sa.Engine, table) -> list[tuple]:
    """Rows of a table, sorted, in values that all three databases can be compared by."""
    quote = engine.dialect.identifier_preparer.quote_identifier
    names = ", ".join(quote(name) for name in table.column_names)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(f"SELECT {names} FROM {quote(table.name)}").fetchall()
    plain = [tuple(map(comparable, row, table.columns)) for row in rows]
    return sorted(plain, key=repr)


def comparable(value, column):
    if value is None:
        return None
    kind = column.type.kind
    if kind in ("date", "datetime"):
        return str(value).replace("0001-01-01", "0000-00-00")
    if kind == "time":
        return str((datetime.min + value).time() if isinstance(value, timedelta) else value)
    if kind in ("decimal", "float"):
        return round(float(value), 6)
    if kind == "blob":
        return bytes(value)
    return int(value) if kind == "boolean" else value


def test_every_table_has_the_same_rows_as_in_sqlite(in_sqlite, in_server):
    different = [t.name for t in CATALOGUE.tables if contents(in_sqlite, t) != contents(in_server, t)]
    assert different == []


def test_keys_are_declared_as_the_catalogue_says(in_server):
    inspector = sa.inspect(in_server)
    for name in ("prescriptions", "care_teams", "role_permissions", "25againmembers"):
        table = CATALOGUE.table(name)
        assert inspector.get_pk_constraint(name)["constrained_columns"] == table.primary_key
        declared = {column.name for column in table.columns if column.declared}
        assert {key["constrained_columns"][0] for key in inspector.get_foreign_keys(name)} == declared


def test_a_clinic_is_not_overwritten_without_being_asked(in_server, scratch_url, params):
    with pytest.raises(ConfigurationError, match="189 tables of a clinic already"):
        build_clinic(scratch_url, 5, 1, params=params)


def test_an_interrupted_build_is_known_as_unfinished_and_replacing_it_spares_other_tables(interrupted, in_server):
    assert "an unfinished build" in interrupted
    assert "not_ours" in sa.inspect(in_server).get_table_names()


@pytest.mark.parametrize("files_allowed", [True, False])
def test_mariadb_gets_the_same_rows_with_and_without_local_files(scratch_url, files_allowed, monkeypatch):
    if not scratch_url.startswith("mysql"):
        pytest.skip("only MariaDB and MySQL can forbid local files")
    monkeypatch.setattr(MariaDbLoader, "_may_send_files", lambda *_: files_allowed)
    loader = MariaDbLoader(parse_url(scratch_url), Catalogue((THING,)), replace=True)
    loader.begin()
    loader.load(THING, conform(THING, pl.DataFrame(THINGS, schema=THING.column_names, orient="row")))
    loader.finish()
    assert contents(engine_of(scratch_url), THING) == sorted(THINGS_AS_READ, key=repr)


def test_an_unreachable_or_refusing_server_is_told_without_its_own_words(scratch_url, params):
    url = sa.make_url(scratch_url)
    with pytest.raises(SourceUnreachable):
        build_clinic(url.set(port=1).render_as_string(hide_password=False), 5, 1, params=params)
    with pytest.raises((SourceRefused, SourceUnreachable)):
        wrong = url.set(username="nobody_of_ours", password="secret-word").render_as_string(hide_password=False)
        build_clinic(wrong, 5, 1, params=params)
