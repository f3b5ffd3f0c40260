"""What the page of the load says of where it went."""

from ennu_lib.config.run_params import EmulatorParams, TargetParams
from ennu_lib.load import where_loaded


class Params:
    def __init__(self, **target):
        self.target = TargetParams(**target)


def test_a_virtual_clock_is_said():
    said = where_loaded(Params(emulator=EmulatorParams()))
    assert said.startswith("This was a rehearsal")
    assert "clock was virtual" in said


def test_on_a_real_clock_the_times_are_meant():
    assert "virtual" not in where_loaded(Params(emulator=EmulatorParams(clock="real")))


def test_the_live_portal_is_named_as_such():
    assert where_loaded(Params(url="https://api.example")) == "The records went into the live portal."
