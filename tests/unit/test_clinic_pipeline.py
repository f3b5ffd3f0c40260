"""Generating and loading side by side, and what happens when either stops."""

import threading

import polars as pl
import pytest

from ennu_lib.clinic.pipeline import load_all
from ennu_lib.errors import StorageFull
from tests.support.small_catalogue import table

TABLES = [table(f"t{number}", 10, ("id", "integer", "seq")) for number in range(30)]
FRAME = pl.DataFrame({"id": [1, 2, 3]})


class RecordingLoader:
    """A loader into a list; it stops at the table named `stops_at`."""

    def __init__(self, stops_at=None, problem=None):
        self.events = []
        self._stops_at, self._problem = stops_at, problem

    def begin(self):
        self.events.append("begin")

    def load(self, table, frame):
        if table.name == self._stops_at:
            raise self._problem
        self.events.append(table.name)

    def finish(self):
        self.events.append("finish")

    def abandon(self):
        self.events.append("abandon")


def test_everything_is_loaded_in_order_and_progress_reaches_the_end():
    loader, seen = RecordingLoader(), []
    rows = load_all(((each, FRAME) for each in TABLES), loader, 80, lambda *state: seen.append(state))
    assert loader.events == ["begin", *(each.name for each in TABLES), "finish"]
    assert rows == {each.name: 3 for each in TABLES}
    assert seen[0] == (3, 80, "t0")
    assert seen[-1] == (90, 90, "t29")


def test_empty_frames_are_counted_and_not_loaded():
    loader = RecordingLoader()
    assert load_all(iter([(TABLES[0], FRAME.clear())]), loader, 1, None) == {"t0": 0}
    assert loader.events == ["begin", "finish"]


def test_frames_of_one_table_add_up():
    assert load_all(iter([(TABLES[0], FRAME)] * 3), RecordingLoader(), 1, None) == {"t0": 9}


@pytest.mark.parametrize(
    ("problem", "told"), [(OSError("full"), StorageFull), (KeyboardInterrupt(), KeyboardInterrupt)]
)
def test_a_loader_that_stops_stops_the_generator(problem, told):
    loader = RecordingLoader("t3", problem)
    with pytest.raises(told):
        load_all(((each, FRAME) for each in TABLES * 100), loader, 1, None)
    assert loader.events == ["begin", "t0", "t1", "t2", "abandon"]
    assert not [thread for thread in threading.enumerate() if thread.name == "clinic-generator"]


def test_a_generator_that_fails_abandons_the_build():
    def frames():
        yield TABLES[0], FRAME
        raise ValueError("no such column")

    loader = RecordingLoader()
    with pytest.raises(ValueError, match="no such column"):
        load_all(frames(), loader, 1, None)
    assert loader.events == ["begin", "t0", "abandon"]
