"""Key ranges: batches of one range each, one request at a time into each range."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from ennu_lib.hubspot.inflight import KeyRanges


@given(st.lists(st.text(min_size=1, max_size=8), max_size=200), st.integers(1, 9), st.integers(1, 20))
def test_batches_hold_every_record_once_and_share_no_range_at_the_end(names, count, size):
    ranges = KeyRanges(count)
    batches = list(ranges.batches([{"key": name} for name in names], "key", size))
    assert sorted(record["key"] for batch in batches for record in batch) == sorted(names)
    assert all(1 <= len(batch) <= size for batch in batches)
    of = [{ranges.range_of(record["key"]) for record in batch} for batch in batches]
    partly_filled = [number for batch, found in zip(batches, of, strict=True) if len(batch) < size for number in found]
    assert len(partly_filled) == len(set(partly_filled))


def test_a_few_hundred_records_make_few_batches():
    records = [{"key": f"key-{number}"} for number in range(463)]
    assert len(list(KeyRanges(32).batches(records, "key", 100))) <= 6


def test_a_key_is_in_the_same_range_in_every_process():
    assert [KeyRanges(32).range_of(key) for key in ("a", "b", "LR-1")] == [3, 25, 18]


def test_a_range_is_entered_by_one_at_a_time_and_others_are_free():
    ranges = KeyRanges(2)
    even, odd = "d", "a"
    assert ranges.range_of(even) != ranges.range_of(odd)
    entered, done = threading.Event(), threading.Event()

    def second():
        with ranges.hold([odd]):
            entered.set()
        with ranges.hold([even, odd]):
            done.set()

    with ranges.hold([even]):
        worker = threading.Thread(target=second)
        worker.start()
        assert entered.wait(2) and not done.wait(0.05)
    worker.join(2)
    assert done.is_set()
