"""Work ahead of whoever takes the results: the next rows are read while the last ones are hashed and written."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
END = object()
CHECK_SECONDS = 0.1


@contextmanager
def ahead(items: Iterator[Item], depth: int = 2) -> Iterator[Iterator[Item]]:
    """Take from `items` in a thread, at most `depth` items ahead; its errors come out where the item would have.

    When the block is left early, `items` is closed in the thread that used it, and that thread has ended.
    """
    ready: queue.Queue = queue.Queue(depth)
    left = threading.Event()

    def put(item: object) -> bool:
        while not left.is_set():
            try:
                ready.put(item, timeout=CHECK_SECONDS)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not put(item):
                    items.close()
                    return
            put(END)
        except BaseException as error:
            put(error)

    def taken() -> Iterator[Item]:
        while (item := ready.get()) is not END:
            if isinstance(item, BaseException):
                raise item
            yield item

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    try:
        yield taken()
    finally:
        left.set()
        worker.join()
