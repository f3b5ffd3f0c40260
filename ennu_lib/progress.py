"""How far long work has come: a small file that the worker writes and whoever waits reads."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path

from ennu_lib.clock import Clock, SystemClock

EVERY_SECONDS = 0.25
WATCHED = "ENNU_WATCHED"


class Progress:
    """Tell how many of how many units are done. Cheap enough to call for every chunk."""

    def __init__(self, file: Path, clock: Clock | None = None):
        self._file = file
        self._clock = clock or SystemClock()
        self._began = self._clock.monotonic()
        self._next = 0.0

    def __call__(self, done: int, total: int, what: str = "") -> None:
        """Record progress, at most four times a second; print it too when nobody watches the file."""
        now = self._clock.monotonic()
        if now < self._next and done < total:
            return
        self._next = now + EVERY_SECONDS
        state = {"done": done, "total": total, "what": what, "seconds": now - self._began}
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file.write_text(json.dumps(state), encoding="utf-8")
        if not os.environ.get(WATCHED):
            print(f"\r{describe(state):<78}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Remove the file: the work is over."""
        self._file.unlink(missing_ok=True)
        if not os.environ.get(WATCHED):
            print(f"\r{'':<78}\r", end="", file=sys.stderr, flush=True)


def read_progress(file: Path) -> dict | None:
    """The last state written, or None."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def describe(state: dict) -> str:
    """For example `lab_results 12,000 of 30,000 (40 %), 8,000/s, 2 s left`."""
    done, total, seconds = state["done"], max(state["total"], 1), max(state["seconds"], 1e-6)
    rate = done / seconds
    left = duration((total - done) / rate) if rate else "?"
    return f"{state['what']} {done:,} of {total:,} ({done * 100 // total} %), {rate:,.0f}/s, {left} left".strip()


def duration(seconds: float) -> str:
    """Seconds in words short enough for one line: `12 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
