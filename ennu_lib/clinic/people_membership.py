"""Memberships: packages, members, the credit ledger, recurring charges, referrals and goals."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.people_draw import (
    any_seconds,
    blanked,
    chance,
    dates,
    day_number,
    days_after,
    moments,
    pick,
    rank_within,
    sample,
    sometimes,
    spread,
    word_wheel,
)
from ennu_lib.clinic.people_ledger import MONTHS_OF, charges, credit_ledger, ledger_frame
from ennu_lib.clinic.people_registrations import registrations

LEVELS = {
    "Premium": (249.0, 6, 182),
    "Standard": (149.0, 4, 182),
    "Basic": (79.0, 2, 182),
    "Corporate": (119.0, 4, 182),
}
LEVEL_SHARES = {"Premium": 24, "Standard": 42, "Basic": 24, "Corporate": 10}


GENERATIONS = (
    (date(2014, 3, 3), date(2017, 12, 31), 0.8),
    (date(2018, 1, 1), date(2021, 12, 31), 0.9),
    (date(2022, 1, 1), None, 1.0),
)


GOALS = [
    "weight_loss",
    "energy",
    "hormone_balance",
    "sleep",
    "libido",
    "muscle_gain",
    "longevity",
    "mental_clarity",
    "stress",
    "skin",
    "hair",
]


GOAL_SHARES = [22, 20, 18, 9, 9, 8, 6, 4, 4, 2, 2]


def packages(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`25againpackages`: every level with each way of paying, in three generations of prices."""
    rows = []
    for level, (price, credits, period) in LEVELS.items():
        for first, last, share in GENERATIONS:
            for billing, months in MONTHS_OF.items():
                discount = {1: 1.0, 3: 0.95, 12: 0.85}[months]
                monthly = round(price * share * discount)
                rows.append(
                    (
                        f"{level} {first.year} {billing}",
                        level,
                        billing,
                        float(monthly),
                        monthly * 12.0,
                        credits,
                        period,
                        first,
                        last,
                    )
                )
    schema = [
        "package_name",
        "membership_type",
        "billing",
        "monthly_price",
        "annual_price",
        "credits_per_period",
        "period_days",
        "valid_from",
        "valid_to",
    ]
    frame = pl.DataFrame(rows, schema=schema, orient="row", infer_schema_length=None)
    chunk.frames["_packages"] = frame.with_row_index("package")
    n = len(frame)
    return {
        "25againpackages": frame.select(
            pl.Series("package_id", chunk.take_keys("25againpackages", n)),
            "package_name",
            "membership_type",
            "monthly_price",
            pl.when(pl.col("billing") == "Annual").then("annual_price").alias("annual_price"),
            "credits_per_period",
            pl.lit("half year").alias("period"),
            (pl.col("credits_per_period") * 3).alias("visits_included"),
            pl.col("membership_type")
            .replace_strict({"Premium": 4, "Standard": 2, "Basic": 1, "Corporate": 2}, return_dtype=pl.Int64)
            .alias("labs_included"),
            "valid_from",
            "valid_to",
            pl.col("valid_to").is_null().alias("is_active"),
        )
    }


def membership(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`25againmembers` with a ledger and charges that add up; telehealth meetings paid by credit say so."""
    rng = chunk.rng("25againmembers")
    members = _members(chunk, rng)
    ledger = credit_ledger(chunk, members)
    left = ledger.group_by("member_id").agg(pl.col("change").sum().alias("package_credits"))
    meetings = chunk.frames["25againzoommeeting"]
    by_credit = ledger["meeting_id"].drop_nulls().unique()
    paid = (
        pl.when(pl.col("meeting_id").is_in(by_credit.implode()))
        .then(pl.lit("package credit"))
        .otherwise("billing_status")
    )
    return {
        "25againmembers": _member_frame(
            chunk, rng, members.join(left, on="member_id", how="left", maintain_order="left")
        ),
        "25againpackagecredits": ledger_frame(chunk, members, ledger),
        "25againmemberbilling": charges(chunk, members),
        "25againzoommeeting": meetings.with_columns(paid.alias("billing_status")),
        "25againreferrals": _referrals(chunk, members),
        "25againmembergoals": _goals(chunk),
    }


def _members(chunk: Chunk, rng: np.random.Generator) -> pl.DataFrame:
    """Columns member_id, row, patient_id, package, start, end (last day paid for), status, billing and level."""
    people = registrations(chunk).filter("is_member")
    n = len(people)
    today = day_number(chunk.as_of)
    first, last = people["registered"].to_numpy(), people["last_day"].to_numpy()
    start = np.minimum(first + rng.integers(0, 150, n), np.maximum(last - 30, first))
    stays = (last >= today) & chance(rng, n, 0.74)
    end = np.where(
        stays, today, np.minimum(start + 30 + rng.exponential(420, n).astype(np.int64), np.minimum(last, today))
    )
    start = np.maximum(start, end - 30 - rng.exponential(1300, n).astype(np.int64))
    level = pick(rng, n, LEVEL_SHARES)
    billing = pick(rng, n, {"Monthly": 68, "Quarterly": 16, "Annual": 16})
    packages = chunk.reference["_packages"]
    generation = np.where(
        start < day_number(date(2018, 1, 1)), 2014, np.where(start < day_number(date(2022, 1, 1)), 2018, 2022)
    )
    name = pl.select(pl.format("{} {} {}", level, pl.Series(generation), billing)).to_series().alias("package_name")
    status = np.where(
        stays,
        pick(rng, n, {"Active": 94, "Suspended": 6}).to_numpy().astype(str),
        pick(rng, n, {"Cancelled": 70, "Inactive": 30}).to_numpy().astype(str),
    )
    frame = people.select("row", "patient_id").with_columns(
        pl.Series("start", start),
        pl.Series("end", end),
        pl.Series("status", status),
        billing.alias("billing"),
        level.alias("level"),
        name,
    )
    frame = frame.join(
        packages.drop("membership_type", "billing"), on="package_name", how="left", maintain_order="left"
    )
    frame = frame.sort("start", maintain_order=True)
    return frame.with_columns(pl.Series("member_id", chunk.take_keys("25againmembers", n)))


def _member_frame(chunk: Chunk, rng: np.random.Generator, members: pl.DataFrame) -> pl.DataFrame:
    n = len(members)
    start, end = members["start"].to_numpy(), members["end"].to_numpy()
    going_on = members["status"].is_in(["Active", "Suspended"]).to_numpy()
    cancelled = (members["status"] == "Cancelled").to_numpy()
    term = (
        members["billing"]
        .replace_strict({"Monthly": 365, "Quarterly": 365, "Annual": 365}, return_dtype=pl.Int64)
        .to_numpy()
    )
    terms = np.maximum(-(-(end - start) // term), 1) + (going_on & ((end - start) % term == 0))
    source = word_wheel("referral_source").draw(rng, n)
    keys = chunk.reference["25againpackages"]["package_id"]
    return members.select(
        "member_id",
        "patient_id",
        sometimes(rng, keys.gather(members["package"]), 0.015).alias("package_id"),
        pl.col("level").alias("membership_type"),
        pl.col("status").alias("membership_status"),
        dates(start).cast(pl.String).alias("start_date"),
        sometimes(rng, dates(start + terms * term).cast(pl.String), 0.015).alias("renewal_date"),
        pl.col("package_credits").fill_null(0),
        sometimes(rng, members["billing"], 0.015).alias("billing_frequency"),
        sometimes(rng, pick(rng, n, {"Credit Card": 80, "ACH": 13, "Invoice": 7}), 0.02).alias("payment_method"),
        pl.col("monthly_price").alias("monthly_fee"),
        pl.Series("auto_renew", np.where(chance(rng, n, 0.84), "Y", "N")),
        sometimes(rng, source, 0.18).alias("referral_source"),
        sometimes(rng, word_wheel("member_note").draw(rng, n), 0.6).alias("member_notes"),
        blanked(dates(end), ~cancelled).alias("cancelled_date"),
        blanked(word_wheel("cancel_reason").draw(rng, n), ~cancelled | chance(rng, n, 0.1)).alias("cancel_reason"),
        moments(start, any_seconds(rng, n)).alias("created_at"),
        moments(np.maximum(end, start), 80_000 + rng.integers(0, 6_000, n)).alias("last_updated"),
        pl.Series("is_deleted", chance(rng, n, 0.004)),
    )


def _referrals(chunk: Chunk, members: pl.DataFrame) -> pl.DataFrame:
    rng = chunk.rng("25againreferrals")
    n = chunk.rows_for("25againreferrals") if len(members) else 0
    at = spread(rng, np.ones(len(members)), n)
    source = word_wheel("referral_source").draw(rng, n)
    personal = source.is_in(["Existing patient", "Friend or family", "word of mouth"]).to_numpy()
    digital = source.is_in(["Google search", "Facebook", "Instagram", "google", "FB", "Podcast", "Website"]).to_numpy()
    people = registrations(chunk)["patient_id"]
    referrer = people.gather(rng.integers(0, len(people), n))
    itself = (referrer == members["patient_id"].gather(at)).to_numpy()
    rewarded = personal & chance(rng, n, 0.8)
    day = members["start"].to_numpy()[at] - rng.integers(0, 30, n)
    return pl.DataFrame(
        {
            "referral_id": chunk.take_keys("25againreferrals", n),
            "member_id": members["member_id"].gather(at),
            "referrer_patient_id": blanked(referrer, ~personal | itself | chance(rng, n, 0.1)),
            "referral_date": dates(day),
            "referral_source": source,
            "campaign": blanked(word_wheel("campaign").draw(rng, n), ~digital | chance(rng, n, 0.1)),
            "medium": blanked(word_wheel("medium").draw(rng, n), ~digital | chance(rng, n, 0.1)),
            "content": blanked(word_wheel("ad_content").draw(rng, n), ~digital | chance(rng, n, 0.35)),
            "reward_amount": blanked(rng.choice([25.0, 50.0, 100.0], n), ~rewarded),
            "reward_status": blanked(pick(rng, n, {"paid": 7, "pending": 2, "void": 1}), ~rewarded),
            "notes": sometimes(rng, word_wheel("member_note").draw(rng, n), 0.85),
            "last_updated": moments(days_after(rng, chunk.as_of, day, 60), any_seconds(rng, n)),
        }
    )


def _goals(chunk: Chunk) -> pl.DataFrame:
    rng = chunk.rng("25againmembergoals")
    people = registrations(chunk)
    able = people.filter(pl.col("activity") > 0)
    drawn = spread(rng, able["activity"].to_numpy() ** 0.4, round(chunk.rows_for("25againmembergoals") * 1.12))
    goal = pick(rng, len(drawn), dict(zip(GOALS, GOAL_SHARES, strict=True)))
    frame = pl.DataFrame({"at": drawn, "goal": goal}).unique(["at", "goal"], keep="first", maintain_order=True)
    frame = frame[sample(rng, len(frame), chunk.rows_for("25againmembergoals"))]
    n, at = len(frame), frame["at"].to_numpy()
    set_on = days_after(rng, chunk.as_of, able["registered"].to_numpy()[at], 400)
    status = pick(rng, n, {"active": 62, "achieved": 24, "dropped": 14})
    achieved = (status == "achieved").to_numpy()
    return frame.select(
        pl.Series("member_goal_id", chunk.take_keys("25againmembergoals", n)),
        able["patient_id"].gather(at).alias("patient_id"),
        "goal",
        sometimes(
            rng,
            pick(
                rng,
                n,
                [
                    "lose 20 lb",
                    "lose 10 lb",
                    "sleep 7 hours",
                    "no afternoon nap",
                    "body fat below 20%",
                    "feel like 35 again",
                    "off CPAP",
                    "run a 10K",
                ],
            ),
            0.5,
        ).alias("target_value"),
        sometimes(rng, dates(set_on + rng.integers(60, 400, n)), 0.4).alias("target_date"),
        sometimes(rng, pl.Series(rank_within(at) + 1), 0.05).alias("priority"),
        status.alias("status"),
        blanked(dates(days_after(rng, chunk.as_of, set_on, 500)), ~achieved).alias("achieved_date"),
        moments(set_on, any_seconds(rng, n)).alias("created_at"),
        moments(days_after(rng, chunk.as_of, set_on, 500), 83_000).alias("last_updated"),
    )
