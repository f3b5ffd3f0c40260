"""The clocks: the real one moves by itself, the virtual one only when somebody sleeps."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from ennu_lib.clock import Clock, SystemClock, VirtualClock


@pytest.mark.parametrize("clock", [SystemClock(), VirtualClock()])
def test_both_clocks_keep_the_protocol_and_speak_utc(clock):
    assert isinstance(clock, Clock)
    assert clock.now().utcoffset() == timedelta(0)


def test_a_virtual_day_takes_no_time():
    clock = VirtualClock(datetime(2026, 3, 1, tzinfo=UTC))
    began = time.monotonic()
    clock.sleep(86_400)
    assert time.monotonic() - began < 1
    assert clock.now() == datetime(2026, 3, 2, tzinfo=UTC)
    assert clock.monotonic() == 86_400


def test_a_virtual_clock_never_goes_back():
    clock = VirtualClock()
    clock.sleep(5)
    clock.sleep(-3)
    clock.sleep(0)
    assert clock.monotonic() == 5


def test_a_start_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="aware"):
        VirtualClock(datetime(2026, 1, 1))


def test_the_system_clock_sleeps_for_real():
    clock = SystemClock()
    began = clock.monotonic()
    clock.sleep(0.02)
    assert clock.monotonic() - began >= 0.019


def test_threads_that_fall_asleep_together_sleep_side_by_side():
    clock = VirtualClock()
    threads = [threading.Thread(target=clock.sleep, args=(7,)) for _ in range(3)]
    with clock._lock:
        for thread in threads:
            thread.start()
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    assert clock.monotonic() == 7
