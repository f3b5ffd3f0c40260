"""Work measured in a process of its own, so that nothing done before counts into its memory."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def in_a_process_of_its_own(work: Callable[[Path], Any], folder: Path) -> tuple[Any, float, float, float]:
    """What `work` returned, seconds on the clock, seconds of processor time (all cores), peak megabytes."""
    context = multiprocessing.get_context("spawn")
    answer = context.Queue()
    process = context.Process(target=_measured, args=(work, folder, answer))
    process.start()
    found = answer.get()
    process.join()
    return found


def _measured(work: Callable[[Path], Any], folder: Path, answer) -> None:
    start, cpu = time.perf_counter(), time.process_time()
    found = work(folder)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    answer.put((found, seconds, cpu, _peak_megabytes()))


def _peak_megabytes() -> float:
    """VmHWM, not ru_maxrss: the latter still knows the size of the process that started this one."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
