"""A few requests under way at once, and never more: what waits for an answer is bounded, whatever there is to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def at_once(workers: int, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """`work` of every item by `workers` threads, in the order in which they finish.

    Items are taken one after the other in the caller's thread, at most twice as many as there are workers ahead of
    the results. The first exception of `work` is raised here, after the others under way have ended.
    """
    with ThreadPoolExecutor(workers) as pool:
        waiting: set[Future[Result]] = set()
        for item in items:
            waiting.add(pool.submit(work, item))
            if len(waiting) >= 2 * workers:
                yield from _finished(waiting)
        while waiting:
            yield from _finished(waiting)


def _finished(waiting: set[Future[Result]]) -> Iterator[Result]:
    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
    waiting -= done
    for future in done:
        yield future.result()
