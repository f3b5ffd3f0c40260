"""What every kind of test may use: secrets, a private workspace, and real servers where there are any."""

import os
import sys
import uuid

import hypothesis
import pytest
import sqlalchemy as sa

# jsonschema takes half a second to import this optional grammar, and no Jupyter schema uses it.
sys.modules.setdefault("rfc3987_syntax", None)

# A busy machine must not fail a property, and every run looks at the same examples.
hypothesis.settings.register_profile("ennu", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ennu")

KEY = "0123456789abcdef" * 4
SERVERS = {"mariadb": "ENNU_TEST_MARIADB_URL", "postgresql": "ENNU_TEST_POSTGRES_URL"}


@pytest.fixture(autouse=True)
def secrets_in_the_environment(monkeypatch):
    """Every test has the two secrets of a rehearsal, and no run file of somebody else's."""
    monkeypatch.setenv("ENNU_KEY", KEY)
    monkeypatch.setenv("ENNU_PORTAL_TOKEN", "test-token")
    for name in ("ENNU_RUN", "ENNU_RUN_ID", "ENNU_PORTAL_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def workspace_folder(tmp_path, monkeypatch):
    """A workspace and a reports folder of this test's own."""
    monkeypatch.setenv("ENNU_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("ENNU_REPORTS", str(tmp_path / "reports"))
    return tmp_path / "workspace"


@pytest.fixture(params=["sqlite", *SERVERS])
def database_url(request, tmp_path):
    """The URL of an empty database: SQLite, and MariaDB and PostgreSQL where a server is there."""
    if request.param == "sqlite":
        file = tmp_path / "source.sqlite"
        file.touch()
        yield f"sqlite:///{file}"
        return
    yield from fresh_database(request.param)


def fresh_database(server: str):
    """Create a database on the server that the tests were told of, and drop it afterwards."""
    base = os.environ.get(SERVERS[server])
    if not base:
        reason = f"no {server} server: set {SERVERS[server]} (.ci/services start DIR starts one and prints it)"
        if os.environ.get("ENNU_REQUIRE_SERVICES"):
            pytest.fail(reason)
        pytest.skip(reason)
    name = f"ennu_{uuid.uuid4().hex[:12]}"
    engine = sa.create_engine(base, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        charset = " CHARACTER SET utf8mb4" if server == "mariadb" else ""
        connection.exec_driver_sql(f"CREATE DATABASE {name}{charset}")
    yield sa.make_url(base).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name}{' WITH (FORCE)' if server == 'postgresql' else ''}")
