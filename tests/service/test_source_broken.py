"""Servers that restart, views that are broken or forbidden, damaged files: marked with the reason, the rest goes on.

And a run with such a table stops until somebody accepts it by name.
"""

import re
import shutil
import sqlite3
import subprocess
import tempfile
import uuid
from pathlib import Path

import pytest

from ennu_lib.audit import accepted_exceptions, extraction_findings, unread_tables
from ennu_lib.config import ReadingParams, project_root
from ennu_lib.errors import GateFailed
from ennu_lib.evidence import Status, open_phase
from ennu_lib.keys import Keys
from ennu_lib.source import Quirk, Unread, connect, extract, read_quirks, reflect
from ennu_lib.workspace import Workspace
from tests.conftest import SERVERS, fresh_database
from tests.support.run_text import RUN

KEYS = Keys("k" * 40)
QUICK = ReadingParams(lock_wait_seconds=1, reconnect_seconds=60)
TEN_ROWS = "(id) VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)"


def taken(engine, folder, shapes, **more):
    return extract(engine, shapes, Workspace("r", folder / "w"), KEYS, reading=QUICK, **more)


def unread(found):
    return {name: table.unread for name, table in found.items() if table.unread}


def database_with(server, *statements):
    """Databases with a table `base` and whatever `statements` make."""
    for url in fresh_database(server):
        engine = connect(url)
        with engine.begin() as db:
            db.exec_driver_sql("CREATE TABLE base (id integer PRIMARY KEY)")
            db.exec_driver_sql(f"INSERT INTO base {TEN_ROWS}")
            for statement in statements:
                db.exec_driver_sql(statement)
        yield engine
        engine.dispose()


@pytest.fixture
def mariadb_views():
    """A sound view, one on a table that is gone, and one whose definer is gone."""
    user = f"u{uuid.uuid4().hex[:8]}"
    yield from database_with(
        "mariadb",
        "CREATE TABLE short_lived (id integer PRIMARY KEY)",
        "CREATE VIEW sound AS SELECT id FROM base",
        "CREATE VIEW on_nothing AS SELECT id FROM short_lived",
        "DROP TABLE short_lived",
        f"CREATE USER {user}@localhost",
        f"CREATE DEFINER={user}@localhost VIEW of_nobody AS SELECT id FROM base",
        f"DROP USER {user}@localhost",
    )


def test_views_are_read_when_they_are_named_and_broken_ones_are_marked(mariadb_views, tmp_path):
    assert set(reflect(mariadb_views)) == {"base"}
    shapes = reflect(mariadb_views, views=["sound", "on_nothing", "of_nobody", "never_was"])
    found = taken(mariadb_views, tmp_path, shapes)
    assert unread(found) == {
        "on_nothing": Unread.NO_PERMISSION,
        "of_nobody": Unread.NO_PERMISSION,
        "never_was": Unread.GONE,
    }
    assert (found["sound"].rows, found["base"].rows) == (10, 10)
    views = {o.table for o in read_quirks(mariadb_views, shapes).found if o.quirk is Quirk.VIEW}
    assert views == set(), "a view that is read is none that is left out"


@pytest.fixture
def postgres_views():
    yield from database_with(
        "postgresql", "CREATE VIEW sound AS SELECT id FROM base", "CREATE VIEW closed AS SELECT id FROM base"
    )


def test_a_view_whose_rights_were_taken_away(postgres_views, tmp_path):
    user = f"u{uuid.uuid4().hex[:8]}"
    with postgres_views.begin() as db:
        db.exec_driver_sql(f"CREATE USER {user} PASSWORD 'pw'")
        db.exec_driver_sql(f"GRANT SELECT ON base, sound, closed TO {user}")
    reader = connect(postgres_views.url.set(username=user).render_as_string(hide_password=False), "pw")
    shapes = reflect(reader, views=["sound", "closed"])
    try:
        with postgres_views.begin() as db:
            db.exec_driver_sql(f"REVOKE SELECT ON closed FROM {user}")
        found = taken(reader, tmp_path, shapes)
    finally:
        reader.dispose()
        with postgres_views.begin() as db:
            db.exec_driver_sql(f"DROP OWNED BY {user}")
            db.exec_driver_sql(f"DROP USER {user}")
    assert unread(found) == {"closed": Unread.NO_PERMISSION}
    assert found["sound"].rows == 10


def damaged_file(path):
    """A SQLite file of which the page of table `broken` is overwritten, as a failing disk does."""
    with sqlite3.connect(path) as db:
        for name in ("sound", "broken"):
            db.execute(f"CREATE TABLE {name} (id integer PRIMARY KEY)")
            db.execute(f"INSERT INTO {name} {TEN_ROWS}")
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'broken'").fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)
    return connect(f"sqlite:///{path}")


def test_a_run_goes_on_without_a_table_only_when_it_is_accepted_by_name_and_reason(tmp_path):
    engine = damaged_file(tmp_path / "s.sqlite")
    run_file = tmp_path / "run.yml"
    run_file.write_text(RUN)
    params = tmp_path / "params/audit/exceptions.yml"
    params.parent.mkdir(parents=True)

    def audited(accepted):
        params.write_text(f"accepted: [{accepted}]\n")
        phase = open_phase("01_audit", str(run_file), "r", root=tmp_path / "w")
        found = extract(engine, reflect(engine), phase.workspace, KEYS, reading=QUICK)
        assert unread(found) == {"broken": Unread.DAMAGED}
        assert found["sound"].rows == 10
        decided = accepted_exceptions(tmp_path / "params")
        phase.find(*extraction_findings(found, unread_tables(found, decided), decided))
        return phase.finish("looked", "at all")["verdict"]

    who = "who: data lead, when: 2026-06-30, why: nothing refers to it"
    for wrong in ("", f"{{table: sound, reason: damaged, {who}}}", f"{{table: broken, reason: locked, {who}}}"):
        assert audited(wrong) == Status.FAIL
        with pytest.raises(GateFailed, match="01_audit, where a check did not pass"):
            open_phase("02_remediation", str(run_file), "r", root=tmp_path / "w")
    assert audited(f"{{table: broken, reason: damaged, {who}}}") == Status.PASS_WITH_EXCEPTIONS
    assert open_phase("02_remediation", str(run_file), "r", root=tmp_path / "w").spec.name == "02_remediation"


@pytest.fixture(scope="module")
def own_servers():
    """A MariaDB and a PostgreSQL of this module's own, and a function that restarts them with their ports and data."""
    services = project_root() / ".ci/services"
    if not (Path("/usr/sbin/mariadbd").exists() and any(Path("/usr/lib/postgresql").glob("*/bin/postgres"))):
        pytest.skip("no mariadbd or postgres on this machine to be started and restarted")
    folder = Path(tempfile.mkdtemp(prefix="ennu-restart-"))
    folder.chmod(0o755)
    run = lambda action: subprocess.run(  # noqa: E731
        ["bash", str(services), action, str(folder)], check=True, stdout=(folder / action).open("w"), timeout=120
    )
    try:
        run("start")
        urls = dict(re.findall(r"export (\w+)=(\S+)", (folder / "start").read_text()))
        yield urls, lambda: run("restart")
    finally:
        run("stop")
        shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.parametrize("server", SERVERS)
def test_a_server_that_restarts_while_a_table_is_read(own_servers, server, tmp_path):
    urls, restart = own_servers
    engine = connect(urls[SERVERS[server]])
    series = {"mariadb": "seq FROM seq_1_to_9000", "postgresql": "n FROM generate_series(1, 9000) n"}[server]
    number, rows = series.split(" FROM ")
    with engine.begin() as db:
        for name in "abc":
            db.exec_driver_sql(f"CREATE TABLE {name} (id integer PRIMARY KEY, note text)")
            db.exec_driver_sql(f"INSERT INTO {name} SELECT {number}, repeat('x', 3000) FROM {rows}")
    restarted = []

    def look(_done, _total, table):
        if table == "b" and not restarted:
            restarted.append(table)
            restart()

    found = taken(engine, tmp_path, reflect(engine), progress=look, chunk_rows=1000)
    engine.dispose()
    assert restarted == ["b"]
    assert unread(found) == {}
    assert [t.rows for t in found.values()] == [9000] * 3
    first, second, third = (t.snapshot for t in found.values())
    assert first != second == third, "what was read stays; the rest comes from one later snapshot"
