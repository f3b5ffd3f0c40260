"""Appointments, time zones and telehealth sessions (SCH-01, SCH-02, CLN-21)."""

from __future__ import annotations

from zoneinfo import available_timezones

import polars as pl

from ennu_lib.rules.parsing import filled, moment, number, word
from ennu_lib.rules.registry import Look, checks
from ennu_lib.rules.tables import KEY, NotHere, Tables

CHANGE = r"^\d{4}-(?:03|04|10|11)-\d{2}[T ]0[0-3]:"


@checks("SCH-01")
def appointments(tables: Tables, settings) -> list[Look]:
    """Ends after it begins, lasts as long as appointments last, and its status fits the day."""
    frame = tables("appointments", "appointment_date", "end_time", "duration", "appointment_status").with_columns(
        begins=moment("appointment_date"), ends=moment("end_time"), state=word("appointment_status")
    )
    shortest, longest = settings["minutes"]
    minutes = (pl.col("ends") - pl.col("begins")).dt.total_minutes()
    now = pl.lit(tables.today).cast(pl.Datetime("us"))
    past = pl.col("begins") < now.dt.offset_by("-24h")
    ahead = pl.col("begins") > now.dt.offset_by("24h")
    fails = {
        ("end_time", "ENDS_BEFORE_BEGIN"): minutes <= 0,
        ("end_time", "UNUSUAL_LENGTH"): (minutes > 0) & ~minutes.is_between(shortest, longest),
        ("duration", "NOT_THE_LENGTH"): (minutes > 0) & ((number("duration") - minutes).abs() >= settings["apart"]),
        ("appointment_status", "DONE_IN_THE_FUTURE"): pl.col("state").is_in(settings["done"]) & ahead,
        ("appointment_status", "NO_OUTCOME"): pl.col("state").is_in(settings["planned"]) & past,
        ("appointment_status", "UNKNOWN_STATUS"): filled("appointment_status")
        & ~pl.col("state").is_in([*settings["done"], *settings["planned"], *settings["called_off"]]),
    }
    return [Look("appointments", frame, fails)]


@checks("SCH-02")
def time_zone(tables: Tables, settings) -> list[Look]:
    """Local moments that clocks never showed, or showed twice, on the days when they are changed: in every column of
    moments, by the clock of the row's facility, or of its own zone, where it has one."""
    looks = []
    for table in tables.catalogue.tables:
        columns = [c.name for c in table.columns if c.type.kind == "datetime"]
        if not columns or not tables.has(table.name):
            continue
        place = settings["facility"].get(table.name)
        try:
            frame = _placed(tables, table.name, columns, place, settings)
        except NotHere:
            continue
        zones = [settings["default_zone"]]
        if place is not None:
            zones = frame.select(pl.col("__zone").unique()).collect()["__zone"].to_list()
        fails: dict[tuple[str, str], pl.Expr] = {}
        for column in columns:
            # Which reason it is says whether somebody has put it right.
            loaded = column in settings["in_utc"].get(table.name, [])
            never, twice = ("NEVER_WAS", "WAS_TWICE") if loaded else ("SKIPPED_HOUR", "DOUBLE_HOUR")
            fails[column, never], fails[column, twice] = _odd_hours(column, sorted(zones))
        looks.append(Look(table.name, frame, fails))
    return looks


def _placed(tables: Tables, table: str, columns: list[str], place: str | None, settings) -> pl.LazyFrame:
    """The table with `__zone`, the zone by whose clock its moments were written; the clinic's own if unknown."""
    frame = tables(table, *columns, *([place] if place else []))
    if place is None or (place != "time_zone" and not tables.has("facilities")):
        return frame.with_columns(__zone=pl.lit(settings["default_zone"]))
    if place != "time_zone":
        zones = tables("facilities", "facility_id", "time_zone").select("facility_id", "time_zone")
        frame = frame.join(
            zones.unique("facility_id"), left_on=place, right_on="facility_id", how="left", maintain_order="left"
        )
    known = pl.col("time_zone").is_in(sorted(available_timezones())).fill_null(False)
    zone = pl.when(known).then("time_zone").otherwise(pl.lit(settings["default_zone"]))
    return frame.with_columns(__zone=zone)


def _odd_hours(column: str, zones: list[str]) -> tuple[pl.Expr, pl.Expr]:
    """Whether a moment never was, and whether it was twice; looked at are months and hours in which clocks change."""
    at = pl.when(pl.col(column).str.contains(CHANGE)).then(moment(column))
    never, twice = pl.lit(False), pl.lit(False)
    for zone in zones:
        here = (pl.col("__zone") == zone) & at.is_not_null()
        there = at.dt.replace_time_zone(zone, non_existent="null", ambiguous="earliest")
        later = at.dt.replace_time_zone(zone, non_existent="null", ambiguous="latest")
        never |= here & there.is_null()
        twice |= here & (there != later).fill_null(False)
    return never, twice


@checks("CLN-21")
def sessions(tables: Tables, settings) -> list[Look]:
    """A length in minutes, a satisfaction on one scale, a meeting number, and one session of a provider at a time."""
    frame = tables(
        "25againzoommeeting", "provider_id", "meeting_date", "meeting_end", "meeting_duration", "meeting_status",
        "zoom_meeting_id", "patient_satisfaction",
    )  # fmt: skip
    frame = frame.with_columns(
        begins=moment("meeting_date"), ends=moment("meeting_end"), length=number("meeting_duration")
    )
    minutes = (pl.col("ends") - pl.col("begins")).dt.total_minutes()
    done = word("meeting_status") == "completed"
    longest = settings["longest_minutes"]
    seconds = (pl.col("length") > longest) & (pl.col("length") % 60 == 0)
    until = pl.when(done).then(pl.col("ends"))
    before = until.cum_max().shift(1).over("provider_id", order_by=["begins", KEY])
    satisfaction = number("patient_satisfaction")
    fails = {
        ("meeting_duration", "SECONDS"): seconds,
        ("meeting_duration", "IMPOSSIBLE"): ~seconds & ~pl.col("length").is_between(0, longest),
        ("meeting_duration", "NOT_THE_LENGTH"): ~seconds & ((pl.col("length") - minutes).abs() > settings["apart"]),
        ("zoom_meeting_id", "NOT_A_MEETING_NUMBER"): filled("zoom_meeting_id")
        & ~pl.col("zoom_meeting_id").str.replace_all(r"[ -]", "").str.contains(r"^\d{9,11}$"),
        ("patient_satisfaction", "OFF_SCALE"): ~satisfaction.is_between(*settings["satisfaction"]),
        ("meeting_date", "OVERLAPS"): done & pl.col("provider_id").is_not_null() & (pl.col("begins") < before),
    }
    return [Look("25againzoommeeting", frame, fails)]
