"""Watch a phase while its notebook runs: show its progress, measure its memory, end it when it takes too long."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from ennu_lib.progress import describe, duration, read_progress

EVERY_SECONDS = 0.25
STILL_ALIVE_SECONDS = 30


class PhaseWatch:
    """One phase under watch. `peak_mb` is the largest process so far; `overdue` is true once the phase was ended.

    `say` prints a line; `live` is true when lines may be rewritten (a terminal); `hours` is the phase's wall-clock
    limit, after which its kernel is killed: whole files stay, and running the phase again resumes it.
    """

    def __init__(self, phase: str, progress_file: Path, say: Callable[..., None], *, live: bool, hours: float):
        self._phase = phase
        self._file = progress_file
        self._say = say
        self._live = live
        self._limit = hours * 3600
        self.peak_mb = 0
        self.overdue = False

    @contextmanager
    def watching(self) -> Iterator[PhaseWatch]:
        """Watch from a thread of its own until the block ends."""
        over = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(over,), daemon=True)
        watcher.start()
        try:
            yield self
        finally:
            over.set()
            watcher.join(timeout=5)

    def _watch(self, over: threading.Event) -> None:
        began = spoke = time.monotonic()
        while not over.wait(EVERY_SECONDS):
            self.peak_mb = max(self.peak_mb, largest_process_mb())
            now = time.monotonic()
            if now - began > self._limit and not self.overdue:
                self.overdue = True
                kill_kernels()
            state = read_progress(self._file)
            text = f"{self._phase:<20} {describe(state) if state else duration(now - began)}"
            if self._live:
                self._say(f"\r{text:<100}", end="")
            elif now - spoke > STILL_ALIVE_SECONDS:
                self._say(text)
                spoke = now
        if self._live:
            self._say(f"\r{'':<100}\r", end="")


def largest_process_mb() -> int:
    """Resident memory of the largest process among this one and its descendants, in MB."""
    sizes = []
    me = psutil.Process()
    for process in (me, *me.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            sizes.append(process.memory_info().rss)
    return max(sizes, default=0) // 2**20


def kill_kernels() -> None:
    """Kill the notebook kernels below this process."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if any("ipykernel" in word for word in process.cmdline()):
                process.kill()
