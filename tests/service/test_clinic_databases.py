"""The same clinic in PostgreSQL and in MariaDB as in SQLite, row by row."""

import os
import uuid
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from ennu_lib.catalog import load_catalogue
from ennu_lib.clinic import build_clinic
from ennu_lib.clinic.load_mariadb import MariaDbLoader
from ennu_lib.errors import ConfigurationError, SourceRefused, SourceUnreachable

PARAMS = Path(__file__).parents[2] / "params"
CATALOGUE = load_catalogue(PARAMS / "catalog")
SERVERS = {"postgresql": "ENNU_TEST_POSTGRES_URL", "mariadb": "ENNU_TEST_MARIADB_URL"}
PATIENTS, SEED = 30, 5


@pytest.fixture(scope="module")
def params(tmp_path_factory):
    """Parameters of a clinic with short code lists, in two chunks."""
    content = yaml.safe_load((PARAMS / "clinic.yml").read_text()) | {"chunk_patients": 20, "fixed_table_floor": 40}
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
def in_server(scratch_url, params):
    """An engine on a server database that holds the clinic."""
    summary = build_clinic(scratch_url, PATIENTS, SEED, params=params)
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


def test_an_interrupted_build_is_known_as_unfinished_and_can_be_replaced(in_server, scratch_url, params):
    def interrupt(done: int, expected: int, table: str) -> None:
        raise KeyboardInterrupt

    with in_server.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE not_ours (x INTEGER)")
    with pytest.raises(KeyboardInterrupt):
        build_clinic(scratch_url, 5, 1, params=params, progress=interrupt, replace=True)
    with pytest.raises(ConfigurationError, match="an unfinished build"):
        build_clinic(scratch_url, 5, 1, params=params)
    assert "not_ours" in sa.inspect(in_server).get_table_names()


def test_a_server_that_forbids_local_files_gets_the_same_rows(scratch_url, in_sqlite, params, monkeypatch):
    if not scratch_url.startswith("mysql"):
        pytest.skip("only MariaDB and MySQL can forbid local files")
    prepare = MariaDbLoader.prepare_session

    def without_files(loader, connection):
        prepare(loader, connection)
        loader._allows_files = False

    monkeypatch.setattr(MariaDbLoader, "prepare_session", without_files)
    build_clinic(scratch_url, PATIENTS, SEED, params=params, replace=True)
    for name in ("patients", "treatment_plans", "documents", "provider_schedules"):
        table = CATALOGUE.table(name)
        assert contents(engine_of(scratch_url), table) == contents(in_sqlite, table)


def test_an_unreachable_or_refusing_server_is_told_without_its_own_words(scratch_url, params):
    url = sa.make_url(scratch_url)
    with pytest.raises(SourceUnreachable):
        build_clinic(url.set(port=1).render_as_string(hide_password=False), 5, 1, params=params)
    with pytest.raises((SourceRefused, SourceUnreachable)):
        wrong = url.set(username="nobody_of_ours", password="secret-word").render_as_string(hide_password=False)
        build_clinic(wrong, 5, 1, params=params)
