"""The credit ledger of the memberships and their recurring charges."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.people_draw import (
    any_seconds,
    blanked,
    chance,
    dates,
    day_number,
    moments,
    pick,
    rank_within,
    sometimes,
)
from ennu_lib.clinic.people_staff import draw_users

MONTHS_OF = {"Monthly": 1, "Quarterly": 3, "Annual": 12}
EXPIRED_SHARE = 0.85
LEAST_USED, MOST_USED = 0.15, 0.95
ENTRIES_BESIDE_USES = 1.6
RETRIED = 0.7


def credit_ledger(chunk: Chunk, members: pl.DataFrame) -> pl.DataFrame:
    """Grants at the start of every period, uses within it, and part of what was left expiring at its end.

    Never more is used or expired than was granted in the same period, so no balance is ever below zero.
    """
    rng = chunk.rng("25againpackagecredits")
    periods = ((members["end"] - members["start"]) // members["period_days"] + 1).to_numpy()
    member = np.repeat(np.arange(len(members)), periods)
    opening = members["start"].to_numpy()[member] + rank_within(member) * members["period_days"].to_numpy()[member]
    closing = np.minimum(opening + members["period_days"].to_numpy()[member] - 1, members["end"].to_numpy()[member])
    granted = members["credits_per_period"].to_numpy()[member]
    wanted = chunk.rows_for("25againpackagecredits") - ENTRIES_BESIDE_USES * len(member)
    used = rng.binomial(granted, np.clip(wanted / max(granted.sum(), 1), LEAST_USED, MOST_USED))
    whole = opening + members["period_days"].to_numpy()[member] - 1 <= members["end"].to_numpy()[member]
    expired = np.where(whole & chance(rng, len(member), 0.9), rng.binomial(granted - used, EXPIRED_SHARE), 0)
    base = pl.DataFrame({"member": member, "opening": opening, "closing": closing}).with_row_index("period")
    grants = base.with_columns(
        pl.col("opening").alias("day"), pl.Series("credits", granted), kind=pl.lit("grant"), order=pl.lit(0)
    )
    which = np.repeat(np.arange(len(member)), used)
    span = np.maximum(closing - opening, 0)[which] + 1
    uses = base[which].with_columns(
        pl.Series("day", opening[which] + (span * rng.random(len(which))).astype(np.int64)),
        credits=pl.lit(1),
        kind=pl.lit("use"),
        order=pl.lit(1),
    )
    uses = _paying_meetings(chunk, members, uses)
    gone = np.flatnonzero(expired)
    expiries = base[gone].with_columns(
        pl.col("closing").alias("day"), pl.Series("credits", expired[gone]), kind=pl.lit("expire"), order=pl.lit(2)
    )
    every = pl.concat([grants, uses, expiries], how="diagonal_relaxed").sort(
        "member", "day", "order", maintain_order=True
    )
    every = every.with_columns(
        pl.when(pl.col("kind") == "grant").then("credits").otherwise(-pl.col("credits")).alias("change"),
        members["member_id"].gather(every["member"]),
    )
    return every.with_columns(pl.col("change").cum_sum().over("member").alias("balance"))


def _paying_meetings(chunk: Chunk, members: pl.DataFrame, uses: pl.DataFrame) -> pl.DataFrame:
    """Some uses pay for a telehealth meeting of the same period and then bear its day and number."""
    rows = members.select("row", pl.int_range(pl.len()).alias("member"))
    held = (
        chunk.frames["_meetings"]
        .filter(pl.col("state") == "completed")
        .select("row", "meeting_id", pl.col("day").alias("held"))
    )
    held = held.join(rows, on="row", how="inner", maintain_order="left").sort("held", maintain_order=True)
    first = (
        uses.with_row_index("use")
        .unique(["period"], keep="first", maintain_order=True)
        .sort("opening", maintain_order=True)
    )
    first = first.with_columns(pl.col("opening").cast(held["held"].dtype).alias("held"))
    paired = first.join_asof(
        held.with_columns(pl.col("held").alias("meeting_day")),
        on="held",
        by="member",
        strategy="forward",
        check_sortedness=False,
    )
    paired = paired.filter(pl.col("meeting_day") <= pl.col("closing")).unique(
        "meeting_id", keep="first", maintain_order=True
    )
    pairs = paired.select("use", "meeting_id", "meeting_day")
    joined = uses.with_row_index("use").join(pairs, on="use", how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("meeting_day", "day").alias("day")).drop("use", "meeting_day")


def ledger_frame(chunk: Chunk, members: pl.DataFrame, ledger: pl.DataFrame) -> pl.DataFrame:
    """The ledger as `25againpackagecredits`, in the order of the days."""
    rng = chunk.rng("25againpackagecredits rows")
    ledger = ledger.sort("day", "member", "order", maintain_order=True)
    n = len(ledger)
    keys = chunk.reference["25againpackages"]["package_id"]
    words = {"grant": "Credits of the period", "use": "Visit", "expire": "Unused credits expired"}
    return ledger.select(
        pl.Series("credit_entry_id", chunk.take_keys("25againpackagecredits", n)),
        "member_id",
        sometimes(rng, keys.gather(members["package"]).gather(ledger["member"]), 0.01).alias("package_id"),
        dates(ledger["day"].to_numpy()).alias("entry_date"),
        pl.col("kind").alias("entry_type"),
        "credits",
        pl.col("balance").alias("balance_after"),
        "meeting_id",
        sometimes(rng, ledger["kind"].replace_strict(words, return_dtype=pl.String), 0.1).alias("description"),
        sometimes(rng, draw_users(rng, chunk, n), 0.2).alias("created_by"),
        moments(ledger["day"].to_numpy(), any_seconds(rng, n)).alias("DateTStamp"),
    )


def charges(chunk: Chunk, members: pl.DataFrame) -> pl.DataFrame:
    """One charge per billing period; a declined one is usually tried again three days later."""
    rng = chunk.rng("25againmemberbilling")
    months = members["billing"].replace_strict(MONTHS_OF, return_dtype=pl.Int64).to_numpy()
    length = np.round(months * 30.44).astype(np.int64)
    times = (members["end"].to_numpy() - members["start"].to_numpy()) // length + 1
    member = np.repeat(np.arange(len(members)), times)
    day = members["start"].to_numpy()[member] + rank_within(member) * length[member]
    today = day_number(chunk.as_of)
    declined = chance(rng, len(day), 0.045)
    again = np.flatnonzero(declined & chance(rng, len(day), RETRIED) & (day + 3 <= today))
    result = np.where(
        declined, "declined", pick(rng, len(day), {"approved": 985, "refunded": 12, "void": 3}).to_numpy().astype(str)
    )
    member, day = np.r_[member, member[again]], np.r_[day, day[again] + 3]
    result, attempt = (
        np.r_[result, np.full(len(again), "approved")],
        np.r_[np.ones(len(result)), np.full(len(again), 2)].astype(int),
    )
    order = np.lexsort((attempt, member, day))
    member, day, result, attempt = member[order], day[order], result[order], attempt[order]
    n = len(day)
    over = ~members["status"].is_in(["Active", "Suspended"]).to_numpy()
    amount = members["monthly_price"].to_numpy()[member] * months[member]
    return pl.DataFrame(
        {
            "member_billing_id": chunk.take_keys("25againmemberbilling", n),
            "member_id": members["member_id"].gather(member),
            "billing_id": pl.Series([None] * n, dtype=pl.Int64),
            "charge_date": dates(day),
            "period": dates(day).dt.strftime("%Y-%m"),
            "amount": amount,
            "result": result,
            "attempt_no": attempt,
            "processor": pick(rng, n, {"Stripe": 60, "Authorize.net": 30, "Square": 10}),
            "processor_ref": sometimes(
                rng, pl.select(pl.format("ch_{}", pl.Series(rng.integers(10**11, 10**12, n)))).to_series(), 0.05
            ),
            "next_charge_date": blanked(
                dates(day + length[member]), over[member] & (day + length[member] > members["end"].to_numpy()[member])
            ),
            "last_updated": moments(day, any_seconds(rng, n)),
        }
    )
