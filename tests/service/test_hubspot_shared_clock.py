"""The emulator's clock seen from outside: virtual or real, and one line when it is not there."""

import pytest

from ennu_lib.clock import SystemClock
from ennu_lib.emulator import running
from ennu_lib.errors import TargetUnreachable
from ennu_lib.hubspot.shared_clock import SharedVirtualClock, emulator_clock


def test_an_emulator_says_which_clock_it_goes_by(tmp_path):
    with running(tmp_path / "real.sqlite") as url:
        assert isinstance(emulator_clock(url), SystemClock)
    with running(tmp_path / "virtual.sqlite", virtual_clock=True) as url:
        clock, other = emulator_clock(url), emulator_clock(url)
        assert isinstance(clock, SharedVirtualClock)
        clock.sleep(100)
        assert clock.monotonic() == emulator_clock(url).monotonic() == 100
        other.sleep(30)
        assert other.monotonic() == 100, "whoever has not heard of the last 100 seconds slept during them"
    with pytest.raises(TargetUnreachable, match="start it again"):
        emulator_clock(url)
