"""Generating in one thread while another loads, so that two cores are used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import Empty, Queue
from threading import Event, Thread

from ennu_lib.clinic.generate import Loadable
from ennu_lib.clinic.load_base import Loader
from ennu_lib.errors import StorageFull

WAITING_FRAMES = 4
LOOK_AGAIN_SECONDS = 0.2
Progress = Callable[[int, int, str], None]


def load_all(frames: Iterator[Loadable], loader: Loader, expected: int, progress: Progress | None) -> dict[str, int]:
    """Load every frame while the next ones are generated; rows loaded by table.

    At most a few frames wait between the two, so memory stays bounded. What stops either side stops both, and is
    raised here; the loader is then abandoned, else finished. Raises StorageFull for what cannot be written.
    """
    loading = _Loading(loader, expected, progress)
    try:
        loader.begin()
        loading.run(frames)
        loader.finish()
    except OSError as error:
        loader.abandon()
        raise StorageFull(f"the clinic or its labels cannot be written: {error.strerror or 'no space left'}") from None
    except BaseException:
        loader.abandon()
        raise
    return loading.rows


class _Loading:
    def __init__(self, loader: Loader, expected: int, progress: Progress | None):
        self.rows: dict[str, int] = {}
        self._loader = loader
        self._expected = expected
        self._progress = progress
        self._queue: Queue[Loadable | None] = Queue(WAITING_FRAMES)
        self._stop = Event()
        self._problem: BaseException | None = None

    def run(self, frames: Iterator[Loadable]) -> None:
        thread = Thread(target=self._generate, args=(frames,), name="clinic-generator", daemon=True)
        thread.start()
        try:
            while (loadable := self._queue.get()) is not None:
                self._load(loadable)
        finally:
            self._stop.set()
            self._drain(thread)
        if self._problem is not None:
            raise self._problem

    def _load(self, loadable: Loadable) -> None:
        table, frame = loadable
        if frame.height:
            self._loader.load(table, frame)
        self.rows[table.name] = self.rows.get(table.name, 0) + frame.height
        if self._progress:
            done = sum(self.rows.values())
            self._progress(done, max(self._expected, done), table.name)

    def _generate(self, frames: Iterator[Loadable]) -> None:
        try:
            for loadable in frames:
                if self._stop.is_set():
                    return
                self._queue.put(loadable)
        except BaseException as problem:
            self._problem = problem
        finally:
            self._queue.put(None)

    def _drain(self, thread: Thread) -> None:
        """Take what a generator still wants to hand over, until it has seen that it should stop."""
        while thread.is_alive():
            with suppress(Empty):
                self._queue.get(timeout=LOOK_AGAIN_SECONDS)
            thread.join(0)
