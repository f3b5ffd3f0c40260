"""Forecasts: calls counted right, and arithmetic and rehearsal in agreement."""

import datetime as dt

import pytest

from ennu_lib.hubspot.forecast import PortalLimits, calls_of, forecast
from ennu_lib.hubspot.limit_params import BusinessHours, flat_limits
from ennu_lib.hubspot.rehearsal import Rehearsal, rehearse

LIMITS = flat_limits(150, 650_000)


def test_calls_are_batches_and_their_reading_back():
    assert calls_of({"contacts": 101, "lab_results": 100}, {"A01": 2_001}) == {"objects": 6, "associations": 5}
    assert calls_of({"contacts": 101}, {"A01": 2_001}, read_back=False) == {"objects": 2, "associations": 2}


@pytest.mark.parametrize(("latency", "workers"), [(0.0, 1), (0.4, 8), (1.0, 2)])
def test_the_rehearsal_agrees_with_the_arithmetic(latency, workers):
    records, links = {"contacts": 300_000}, {"A01": 300_000}
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
    text = str(forecast({"contacts": 15_900_000}, {"A01": 4_000_000}, LIMITS))
    assert "318,000 objects" in text and "6,000 associations" in text and "hours over 1 calendar days" in text


def test_a_rehearsal_that_has_not_run_has_no_forecast():
    with pytest.raises(ValueError, match="not run"):
        _ = Rehearsal().forecast
