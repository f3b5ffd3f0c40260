"""Hours of the week: over midnight, over a change of the clock, merged, and the pauses between them."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from ennu_lib.config import ReadingParams, load_run
from ennu_lib.config.windows import Window, closing, intervals, longest_pause, opening
from ennu_lib.errors import ConfigurationError

ZONE = ZoneInfo("America/New_York")


def window(begin, end, days=None):
    return Window.model_validate({"from": begin, "to": end, **({"days": days} if days else {})})


def at(day, hour, month=1):
    return dt.datetime(2026, month, day, hour, tzinfo=ZONE).astimezone(dt.UTC)


def test_no_windows_are_always_open():
    now = at(5, 9)
    assert opening((), ZONE, now) == now
    assert longest_pause(()) == dt.timedelta()


def test_a_window_over_midnight_belongs_to_the_day_it_begins_on():
    friday = (window("22:00", "06:00", ["fri"]),)
    assert opening(friday, ZONE, at(5, 9)) == at(9, 22)
    assert closing(friday, ZONE, at(10, 5)) == at(10, 6)
    assert closing(friday, ZONE, at(10, 6)) is None


def test_windows_that_touch_are_one():
    both = (window("20:00", "23:00"), window("22:00", "06:00"))
    assert intervals(both, ZONE, at(5, 12), at(6, 12)) == [(at(5, 20), at(6, 6))]


def test_a_night_in_which_the_clock_is_changed_is_an_hour_shorter():
    (opens, closes), *_ = intervals((window("22:00", "06:00"),), ZONE, at(7, 22, 3), at(8, 12, 3))
    assert closes - opens == dt.timedelta(hours=7)


def test_the_longest_pause_is_that_of_the_weekend():
    assert longest_pause((window("22:00", "06:00", ["mon", "tue", "wed", "thu"]),)) == dt.timedelta(hours=88)


@pytest.mark.parametrize("wrong", [{"time_zone": "Mars/Olympus"}, {"windows": [{"from": 20, "to": "06:00"}]}])
def test_what_is_no_zone_or_no_time_is_refused(wrong):
    with pytest.raises(ValueError):
        ReadingParams.model_validate(wrong)


def test_a_run_that_waits_longer_than_its_cells_may_run_is_refused(tmp_path):
    text = (
        "name: x\nenvironment: rehearsal\ntoday: 2026-06-30\ntarget: {emulator: {}}\n"
        'source: {url: "sqlite:///x", windows: [{from: "22:00", to: "06:00"}]}\n'
    )
    file = tmp_path / "run.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"runner\.cell_minutes"):
        load_run(file)
    file.write_text(text + "runner: {cell_minutes: 1500}\n", encoding="utf-8")
    assert load_run(file).source.windows
