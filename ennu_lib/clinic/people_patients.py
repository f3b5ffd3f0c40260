"""The patients table, and what tells other generators about each patient row."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.people_draw import (
    any_seconds,
    blanked,
    chance,
    day_number,
    moments,
    pick,
    sometimes,
    word_wheel,
)
from ennu_lib.clinic.people_names import draw_given, given_names, nicknames
from ennu_lib.clinic.people_registrations import REGISTRATIONS, registrations
from ennu_lib.clinic.people_staff import Roster
from ennu_lib.clinic.people_text import draw_phones, phone_text

MEMBER_CARD = "ENNU-{}"
ACTIVE_DAYS = 420


def patients(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """The table `patients`; adds columns `usual` (position in the roster) and `is_member` to the registrations."""
    rng = chunk.rng("patients")
    rows = registrations(chunk)
    n = len(rows)
    roster = Roster.of(chunk)
    usual = roster.usual(rng, chunk, n)[rows["source"].to_numpy()]
    rows = rows.with_columns(pl.Series("usual", usual), pl.Series("is_member", _members(rng, chunk, rows)))
    rows = rows.with_columns(*_emergency(rng, rows), _status(chunk, rows))
    chunk.frames[REGISTRATIONS] = rows
    created = moments(rows["registered"].to_numpy(), any_seconds(rng, n))
    touched = np.minimum(rows["last_day"].to_numpy() + rng.integers(0, 40, n), day_number(chunk.as_of))
    frame = rows.select(
        "patient_id",
        pl.format("C{}", (pl.col("patient_id") + 100_000).cast(pl.String).str.zfill(7)).alias("chart_number"),
        pl.when("is_member").then(pl.format(MEMBER_CARD, pl.col("patient_id") + 40_000)).alias("member_number"),
        "first_name",
        "middle_name",
        "last_name",
        "suffix",
        _preferred_names(rng, rows).alias("preferred_name"),
        pl.from_epoch("birth_day", time_unit="d").cast(pl.String).alias("date_of_birth"),
        sometimes(rng, rows["sex"], 0.008).alias("gender"),
        "ssn",
        _marital(rng, chunk, rows).alias("marital_status"),
        sometimes(rng, rows["language"], 0.14).alias("preferred_language"),
        phone_text(pl.coalesce("home_phone", "mobile_phone")).alias("phone_primary"),
        phone_text(pl.col("mobile_phone")).alias("phone_mobile"),
        pl.col("email").alias("email_address"),
        "address_line1",
        "address_line2",
        "city",
        "state",
        "zip_code",
        sometimes(rng, pick(rng, n, {"USA": 6, "US": 3, "United States": 1}), 0.3).alias("country"),
        "emergency_contact",
        phone_text(pl.col("emergency_number")).alias("emergency_phone"),
        "patient_status",
        pl.when(pl.col("activity") > 0)
        .then(pl.from_epoch("registered", time_unit="d").cast(pl.String))
        .alias("first_visit_date"),
        pl.when("is_deceased").then(pl.from_epoch("last_day", time_unit="d")).alias("deceased_date"),
        blanked(roster.ids[usual], chance(rng, n, 0.09)).alias("primary_provider_id"),
        _guarantors(rng, rows).alias("guarantor_id"),
        pl.Series(chance(rng, n, 0.72)).replace_strict({True: "Y", False: "N"}).alias("portal_enabled"),
        created.alias("created_at"),
        moments(touched, any_seconds(rng, n)).alias("last_updated"),
        (pl.col("kind") == "merged_earlier").alias("is_deleted"),
    )
    return {"patients": frame.with_columns(pl.max_horizontal("created_at", "last_updated").alias("last_updated"))}


def _members(rng: np.random.Generator, chunk: Chunk, rows: pl.DataFrame) -> np.ndarray:
    """Which patient rows hold a membership: grown-ups, the busier the likelier; never two rows of one person."""
    today = day_number(chunk.as_of)
    able = (rows["activity"] > 0) & (rows["true_birth_day"] < today - 19 * 365)
    score = np.where(able.to_numpy(), rng.random(len(rows)) ** (1 / (0.3 + rows["activity"].to_numpy())), 0)
    best = pl.DataFrame({"row": rows["row"], "person": rows["person"], "score": score})
    best = best.sort("score", descending=True).unique("person", keep="first", maintain_order=True)
    chosen = np.zeros(len(rows), dtype=bool)
    chosen[best.filter(pl.col("score") > 0)["row"].head(chunk.rows_for("25againmembers")).to_numpy()] = True
    return chosen


def _status(chunk: Chunk, rows: pl.DataFrame) -> pl.Expr:
    recent = pl.col("last_day") > day_number(chunk.as_of) - ACTIVE_DAYS
    return (
        pl.when(pl.col("kind") == "merged_earlier")
        .then(pl.lit("merged"))
        .when("is_deceased")
        .then(pl.lit("deceased"))
        .when("is_prospect")
        .then(pl.lit("prospective"))
        .when(recent)
        .then(pl.lit("active"))
        .otherwise(pl.lit("inactive"))
        .alias("patient_status")
    )


def _preferred_names(rng: np.random.Generator, rows: pl.DataFrame) -> pl.Series:
    short = {name: forms[0] for name, forms in nicknames().items()}
    names = rows["first_name"].replace_strict(short, default=None, return_dtype=pl.String)
    return sometimes(rng, names, 0.72)


def _marital(rng: np.random.Generator, chunk: Chunk, rows: pl.DataFrame) -> pl.Series:
    wed = rows["role"].is_in(["spouse"]) | rows["household"].is_in(
        rows.filter(pl.col("role") == "spouse")["household"].implode()
    )
    minor = rows["true_birth_day"] > day_number(chunk.as_of) - 19 * 365
    alone = pick(rng, len(rows), {"single": 46, "divorced": 22, "married": 20, "widowed": 6, "partnered": 6})
    together = pick(rng, len(rows), {"married": 88, "partnered": 12})
    frame = pl.DataFrame(
        {"wed": wed & rows["role"].is_in(["head", "spouse"]), "minor": minor, "a": alone, "t": together}
    )
    value = frame.select(pl.when("minor").then(pl.lit("single")).when("wed").then("t").otherwise("a")).to_series()
    return sometimes(rng, value, 0.18)


def _emergency(rng: np.random.Generator, rows: pl.DataFrame) -> list[pl.Series]:
    """A housemate where there is one, otherwise a relative or friend from outside."""
    n = len(rows)
    mates = (
        rows.filter(~pl.col("is_second"))
        .sort("household", "person")
        .select(
            "person",
            pl.format("{} {}", "first_name", "last_name").shift(-1).over("household").alias("after"),
            pl.format("{} {}", "first_name", "last_name").shift(1).over("household").alias("before"),
            pl.col("mobile_phone").shift(-1).over("household").alias("phone_after"),
            pl.col("mobile_phone").shift(1).over("household").alias("phone_before"),
            pl.col("role").shift(-1).over("household").alias("role_after"),
            pl.col("role").shift(1).over("household").alias("role_before"),
        )
    )
    mate = rows.select("person", "role", "last_name", "area").join(
        mates, on="person", how="left", maintain_order="left"
    )
    sex = np.where(rng.random(n) < 0.5, "M", "F")
    outside = given_names().column("name", draw_given(rng, rows["origin"].to_numpy(), sex))
    relation = word_wheel("relationship").draw(rng, n)
    number = pl.Series(draw_phones(rng, rows["area"].fill_null(813).to_numpy()))
    mate = mate.with_columns(outside.alias("outside"), relation.alias("relation"), number.alias("number"))
    inside = pl.coalesce("before", "after")
    couple = pl.col("role").is_in(["head", "spouse"]) & pl.coalesce("role_before", "role_after").is_in(
        ["head", "spouse"]
    )
    found = mate.select(
        pl.coalesce(inside, pl.format("{} {}", "outside", "last_name")).alias("emergency_contact"),
        pl.coalesce("phone_before", "phone_after", "number").alias("emergency_number"),
        pl.when(couple)
        .then(pl.lit("Spouse"))
        .when(inside.is_not_null())
        .then(pl.lit("Family"))
        .otherwise("relation")
        .alias("emergency_relation"),
    )
    absent = chance(rng, n, 0.18)
    own = rows["mobile_phone"].to_numpy() == found["emergency_number"].to_numpy()
    return [
        blanked(found["emergency_contact"], absent).alias("emergency_contact"),
        blanked(found["emergency_number"], absent | own).alias("emergency_number"),
        found["emergency_relation"],
    ]


def _guarantors(rng: np.random.Generator, rows: pl.DataFrame) -> pl.Series:
    """The head of the household pays for its children and half of the others; the rest pay for themselves."""
    heads = (
        rows.filter(~pl.col("is_second"))
        .sort("household", "person")
        .unique("household", keep="first", maintain_order=True)
    )
    payer = rows.select("household", "patient_id", "role").join(
        heads.select("household", pl.col("patient_id").alias("head")), on="household", how="left", maintain_order="left"
    )
    dependent = rows["role"].is_in(["child", "parent"]).to_numpy() | (
        (rows["role"] == "spouse").to_numpy() & chance(rng, len(rows), 0.45)
    )
    value = payer.select(pl.when(pl.Series(dependent)).then("head").otherwise("patient_id")).to_series()
    return blanked(value, ~dependent & chance(rng, len(rows), 0.33))
