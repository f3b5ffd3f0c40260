"""The workspace: whole files or none, for their owner only, one process at a time."""

import os
import sqlite3
import stat
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from ennu_lib.errors import AlreadyRunning, OutOfOrder, StorageFull, UsageError
from ennu_lib.workspace import Workspace, replacing, storage

FRAME = pl.DataFrame({"a": [1, 2]})


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_and_folders_are_private_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        path = Workspace("run-1", tmp_path / "w").write("source/patients", FRAME)
    finally:
        os.umask(before)
    assert mode(path) == 0o600
    assert [mode(p) for p in (path.parent, path.parent.parent, tmp_path / "w")] == [0o700] * 3


def test_a_failed_write_leaves_the_old_file_and_no_part(tmp_path):
    workspace = Workspace("run-1", tmp_path)
    path = workspace.write("a/b", FRAME)
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert workspace.scan("a/b").collect().equals(FRAME)
    assert [p.name for p in path.parent.iterdir()] == ["b.parquet"]


def test_a_lazy_frame_that_fails_leaves_nothing(tmp_path):
    workspace = Workspace("run-1", tmp_path)
    with pytest.raises(pl.exceptions.PolarsError):
        workspace.write("x", FRAME.lazy().select(pl.col("nowhere")))
    assert not workspace.exists("x")
    assert workspace.names(".") == []


def test_a_full_disk_says_so():
    with pytest.raises(StorageFull, match="no space left on device; free some space"), storage("x.parquet"):
        Path("/dev/full").write_text("x" * 10_000_000)


def fill(execute):
    execute("PRAGMA max_page_count=2")
    execute("CREATE TABLE t (a)")
    execute("INSERT INTO t VALUES (randomblob(100000))")


def test_a_full_disk_says_so_however_sqlite_is_used():
    with pytest.raises(StorageFull, match="x could not be written"), storage("x"):
        fill(sqlite3.connect(":memory:").execute)
    with pytest.raises(StorageFull), storage("x"), sa.create_engine("sqlite://").connect() as connection:
        fill(connection.exec_driver_sql)
    with pytest.raises(sqlite3.OperationalError, match="syntax"), storage("x"):
        sqlite3.connect(":memory:").execute("SELEC")


def test_a_file_that_is_not_there_names_what_to_do(tmp_path):
    with pytest.raises(OutOfOrder, match="run the phase that writes it first"):
        Workspace("run-1", tmp_path).scan("source/patients")


def test_only_one_process_works_on_a_run(tmp_path):
    with Workspace("run-1", tmp_path).lock():
        with pytest.raises(AlreadyRunning), Workspace("run-1", tmp_path).lock():
            pass
        with Workspace("run-2", tmp_path).lock():
            pass
    with Workspace("run-1", tmp_path).lock():
        pass


@pytest.mark.parametrize("run_id", ["", "../x", ".hidden", "a b", "x/y"])
def test_a_run_id_cannot_leave_the_folder(run_id):
    with pytest.raises(UsageError):
        Workspace(run_id)
