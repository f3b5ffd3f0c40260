"""Appointments, time zones and telehealth sessions (SCH-01, SCH-02, CLN-21)."""

from __future__ import annotations

from zoneinfo import available_timezones

import polars as pl

from ennu_lib.rules.parsing import filled, moment, number, word
from ennu_lib.rules.registry import Look, checks
from ennu_lib.rules.tables import KEY, Tables


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
    """Local moments that clocks never showed, or showed twice, on the days when they are changed."""
    zones = tables("facilities", "facility_id", "time_zone").select("facility_id", "time_zone").unique("facility_id")
    looks = []
    for table, spec in settings["columns"].items():
        columns, place = spec["moments"], spec.get("facility")
        frame = tables(table, *columns, *([place] if place else []))
        if place:
            frame = frame.join(zones, left_on=place, right_on="facility_id", how="left", maintain_order="left")
        else:
            frame = frame.with_columns(time_zone=pl.lit(settings["default_zone"]))
        known_zone = pl.col("time_zone").is_in(sorted(available_timezones())).fill_null(False)
        zone = pl.when(known_zone).then("time_zone").otherwise(pl.lit(settings["default_zone"]))
        frame = frame.with_columns(time_zone=zone)
        known = frame.select(pl.col("time_zone").unique()).collect()["time_zone"].to_list()
        fails: dict[tuple[str, str], pl.Expr] = {}
        for column in columns:
            never, twice = pl.lit(False), pl.lit(False)
            for zone in sorted(set(known)):
                here = (pl.col("time_zone") == zone) & moment(column).is_not_null()
                there = moment(column).dt.replace_time_zone(zone, non_existent="null", ambiguous="earliest")
                later = moment(column).dt.replace_time_zone(zone, non_existent="null", ambiguous="latest")
                never |= here & there.is_null()
                twice |= here & (there != later).fill_null(False)
            fails[column, "NEVER_WAS"] = never
            fails[column, "WAS_TWICE"] = twice
        looks.append(Look(table, frame, fails))
    return looks


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
