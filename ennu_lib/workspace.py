"""The private folder of one run: whole files or none, readable by their owner only.

workspace/<run-id>/
  run.yml                    the run's parameters as they stood when it began
  source/ clean/ identity/ targets/ accounts/ load/ …   one Parquet file per table or object
  evidence/<phase>.json      the end marker of a phase
"""

from __future__ import annotations

import atexit
import errno
import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import polars as pl

from ennu_lib.config import workspace_root
from ennu_lib.errors import AlreadyRunning, OutOfOrder, StorageFull, UsageError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}

PART = ".part-"
NO_SPACE = "no space left on device"


class Workspace:
    """Files of the run `run_id`, named like `source/patients` without their ending."""

    def __init__(self, run_id: str, root: Path | None = None):
        if not run_id or not all(c.isalnum() or c in "-_." for c in run_id) or run_id.startswith("."):
            raise UsageError("a run id has letters, digits, '-', '_' and '.', and does not start with '.'")
        self.run_id = run_id
        self.root = (root or workspace_root()) / run_id

    def path(self, name: str, ending: str = ".parquet") -> Path:
        """The path of file `name`; its folder exists afterwards."""
        target = self.root / f"{name}{ending}"
        with storage(f"{name}{ending}"):
            make_private(target.parent)
        return target

    def exists(self, name: str, ending: str = ".parquet") -> bool:
        """Whether file `name` is there, and therefore whole."""
        return (self.root / f"{name}{ending}").is_file()

    def names(self, folder: str, ending: str = ".parquet") -> list[str]:
        """Base names of the files in `folder`, sorted."""
        found = (self.root / folder).glob(f"*{ending}")
        return sorted(p.name.removesuffix(ending) for p in found if not p.name.startswith("."))

    def scan(self, name: str) -> pl.LazyFrame:
        """A lazy frame over file `name`. Raises OutOfOrder when it has not been written yet."""
        if not self.exists(name):
            raise OutOfOrder(f"{name}.parquet is not in run {self.run_id}; run the phase that writes it first")
        return pl.scan_parquet(self.root / f"{name}.parquet")

    def write(self, name: str, frame: pl.DataFrame | pl.LazyFrame) -> Path:
        """Write `frame` to file `name`, lazily streamed if it is lazy, and rename it into place when whole."""
        target = self.path(name)
        with replacing(target) as temporary:
            if isinstance(frame, pl.LazyFrame):
                frame.sink_parquet(temporary, compression="zstd")
            else:
                frame.write_parquet(temporary, compression="zstd")
        return target

    def write_bytes(self, name: str, data: bytes, ending: str) -> Path:
        """Write `data` to file `name` and rename it into place when whole."""
        target = self.path(name, ending)
        with replacing(target) as temporary:
            temporary.write_bytes(data)
        return target

    def empty(self, *folders: str) -> None:
        """Remove the files of folders that are about to be written anew, so that none of an earlier attempt stays."""
        for folder in folders:
            for name in self.names(folder):
                (self.root / folder / f"{name}.parquet").unlink()

    def remove_leftovers(self) -> None:
        """Remove what killed processes left half-written: private data that nobody would look for."""
        for part in self.root.rglob(f"{PART}*"):
            if not _alive(int(part.name.removeprefix(PART).split("-")[0])):
                part.unlink(missing_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run's lock. Raises AlreadyRunning while another process holds it."""
        with storage("the run's lock"):
            make_private(self.root)
            handle = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise AlreadyRunning(
                f"run {self.run_id} is already going on in another process: wait for it, or stop it; "
                "in JupyterLab, shut down the kernel of the notebook that has begun a phase and not finished it"
            ) from None
        try:
            yield
        finally:
            os.close(handle)


class HeldLock:
    """The run lock of a phase that is worked through by hand, held from its first cell to its last or the kernel's end.

    A process works on one run at a time: taking the lock of another run, or the same again, gives up the one before.
    """

    def __init__(self) -> None:
        self._held = ExitStack()

    def take(self, workspace: Workspace) -> None:
        """Hold the lock of `workspace`. Raises AlreadyRunning when another process has it."""
        self.release()
        self._held.enter_context(workspace.lock())

    def release(self) -> None:
        """Let the lock go, if one is held."""
        self._held.close()


HELD = HeldLock()
atexit.register(HELD.release)


def make_private(folder: Path) -> None:
    """Create `folder` and its parents, with access for their owner only."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a temporary path to write to, and move it to `target` when the block ends well.

    Nothing appears at `target` when the block fails or the process dies. Raises StorageFull when the disk is full.
    """
    make_private(target.parent)
    temporary = target.with_name(f"{PART}{os.getpid()}-{target.name}")
    try:
        with storage(target.name):
            yield temporary
            temporary.chmod(0o600)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def storage(what: str) -> Iterator[None]:
    """Turn 'no space' and 'not writable', also as polars, pyarrow and SQLite report them, into StorageFull."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL or "No space left" in str(error):
            raise _not_written(what, _reason(error)) from None
        raise
    except pl.exceptions.ComputeError as error:
        if "No space left" in str(error):
            raise _not_written(what) from None
        raise
    except Exception as error:
        # SQLAlchemy keeps the driver's own error in `orig`.
        original = getattr(error, "orig", error)
        if isinstance(original, sqlite3.OperationalError) and original.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise _not_written(what) from None
        raise


def _not_written(what: str, reason: str = NO_SPACE) -> StorageFull:
    cure = "free some space" if "space" in reason or "quota" in reason else "make its folder writable"
    return StorageFull(f"{what} could not be written: {reason}; {cure} and run again")


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _reason(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else NO_SPACE


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
