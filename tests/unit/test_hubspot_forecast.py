"""Forecasts: calls counted right, and arithmetic and rehearsal in agreement."""

import datetime as dt
import re

import pytest

from ennu_lib.errors import ConfigurationError
from ennu_lib.hubspot.forecast import PortalLimits, calls_of, forecast
from ennu_lib.hubspot.limit_params import BusinessHours, flat_limits
from ennu_lib.hubspot.portal_schema import load_portal_schema
from ennu_lib.hubspot.rehearsal import Rehearsal, rehearse, rehearse_volumes
from ennu_lib.hubspot.volumes import LinkVolume, Volume, VolumeFile, load_volumes

LIMITS = flat_limits(150, 650_000)


def test_calls_are_batches_and_their_reading_back():
    few, many = LinkVolume(pairs=2_001, sources=10), LinkVolume(pairs=2_001, sources=2_001)
    records = {"contacts": 101, "lab_results": 100}
    assert calls_of(records, {"A01": few}) == {"objects": 6, "associations": 6, "search": 0}
    assert calls_of(records, {"A01": few, "A02": many}) == {"objects": 6, "associations": 15, "search": 0}


@pytest.mark.parametrize(("latency", "workers"), [(0.0, 1), (0.4, 8), (1.0, 2)])
def test_the_rehearsal_agrees_with_the_arithmetic(latency, workers):
    records, links = {"contacts": 300_000}, {"A01": LinkVolume(pairs=300_000, sources=150_000)}
    expected = forecast(records, links, LIMITS, latency=latency, workers=workers)
    rehearsed = rehearse(records, links, LIMITS, latency=latency, workers=workers)
    assert dict(rehearsed.forecast.calls) == dict(expected.calls)
    assert rehearsed.forecast.hours == pytest.approx(expected.hours, rel=0.02, abs=0.005)
    assert sum(rehearsed.refused.values()) == 0


def test_a_small_daily_budget_takes_days_and_is_never_overrun():
    midnight = dt.datetime(2026, 1, 5, 5, tzinfo=dt.UTC)
    portal = PortalLimits(day=10_000)
    rehearsed = rehearse({"contacts": 1_200_000}, {}, LIMITS, portal, start=midnight)
    expected = forecast({"contacts": 1_200_000}, {}, LIMITS, portal)
    assert rehearsed.forecast.days == expected.days == 3
    assert rehearsed.forecast.hours == pytest.approx(expected.hours, rel=0.01)
    assert sum(rehearsed.refused.values()) == 0


def test_business_hours_take_longer():
    every_day = BusinessHours.model_validate(
        {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "00:00", "to": "23:59", "share": 0.5}
    )
    slow = LIMITS.model_copy(update={"business_hours": every_day})
    fast = rehearse({"contacts": 100_000}, {}, LIMITS).forecast.hours
    assert rehearse({"contacts": 100_000}, {}, slow).forecast.hours == pytest.approx(2 * fast, rel=0.05)
    assert forecast({"contacts": 100_000}, {}, slow).hours > 1.9 * forecast({"contacts": 100_000}, {}, LIMITS).hours


def test_a_forecast_is_readable():
    text = str(forecast({"contacts": 15_900_000}, {"A01": LinkVolume(pairs=4_000_000, sources=9)}, LIMITS))
    assert "318,000 objects, 6,000 associations, 0 search" in text and "hours over 1 calendar day;" in text


def test_the_volumes_of_the_project_are_sound_and_one_has_16_million_records():
    held = load_volumes()
    portal = load_portal_schema()
    known = {found.id for found in portal.associations}
    for volume in held.volumes.values():
        assert set(volume.records) == set(portal.objects) and set(volume.links) <= known
    assert sum(held.volumes["every_row"].records.values()) == 16_000_000


def test_a_volume_with_two_mistakes_reports_both_with_their_lines(tmp_path):
    path = tmp_path / "volumes.yml"
    path.write_text(
        "latency_seconds: -1\nvolumes:\n  v:\n    note: n\n    records: {}\n    links:\n"
        "      A01: {pairs: 1, sources: 2}\n"
    )
    with pytest.raises(ConfigurationError, match=r"(?s)line 1: .*line 7: .*more sources than pairs"):
        load_volumes(path)


def test_every_volume_is_rehearsed_and_told():
    small = Volume(note="a few", records={"contacts": 1_000}, links={"A01": LinkVolume(pairs=10, sources=5)})
    (told,) = rehearse_volumes(VolumeFile(latency_seconds=0.1, volumes={"small": small}), LIMITS, workers=2)
    assert re.fullmatch(
        r"small: a few\n  1,000 records, 10 links\n"
        r"  0\.0 hours over 1 calendar day; calls: 20 objects, 3 associations, 0 search\n"
        r"  0 requests answered 429; rehearsed in 0 s",
        str(told),
    )


def test_a_rehearsal_that_has_not_run_has_no_forecast():
    with pytest.raises(ValueError, match="not run"):
        _ = Rehearsal().forecast
