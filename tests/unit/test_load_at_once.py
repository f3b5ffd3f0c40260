"""A few things at once: bounded, complete, and the first failure is heard."""

import pytest

from ennu_lib.load.at_once import at_once


@pytest.mark.parametrize("count", [0, 1, 7, 50])
def test_every_item_is_worked_on_once(count):
    assert sorted(at_once(3, lambda n: n * n, range(count))) == [n * n for n in range(count)]


def test_no_more_is_taken_than_can_be_worked_on_soon():
    taken = []
    results = at_once(2, lambda number: number, map(lambda n: taken.append(n) or n, range(100)))
    next(results)
    assert taken == [0, 1, 2, 3]
    assert len(list(results)) == 99


def test_a_failure_ends_the_work():
    done = []

    def work(number):
        if number == 3:
            raise ValueError("three")
        done.append(number)
        return number

    with pytest.raises(ValueError, match="three"):
        list(at_once(1, work, range(100)))
    assert len(done) < 10
