"""Money received and returned: payments, their allocations, adjustments, refunds, stored payment methods."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.billing_charges import CHARGES
from ennu_lib.clinic.billing_claims import CLAIMS
from ennu_lib.clinic.billing_settlement import ADJUSTMENTS, PIECES, REFUNDS
from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.office_draw import money, numbered, yes_no
from ennu_lib.clinic.people_draw import (
    any_seconds,
    blanked,
    chance,
    dates,
    day_number,
    moments,
    pick,
    sometimes,
)

METHODS = {"Credit Card": 60, "Debit Card": 14, "ACH": 5, "Check": 7, "Cash": 6, "HSA/FSA": 6, "Credit": 2}
STORED = {"Credit Card": 66, "Debit Card": 14, "ACH": 8, "HSA/FSA": 8, "Invoice": 4}
CARDS = ["Credit Card", "Debit Card", "HSA/FSA"]
JOINED_SHARE = 0.65  # of charges other than membership fees that are settled together with the charge before them
JOINED_WITHIN_DAYS = 60
OVERPAID_SHARE, FAILED_SHARE = 0.015, 0.012


def payment_methods(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`payment_methods`: type and token only; the last valid day of most cards lies ahead."""
    rng = chunk.rng("payment_methods")
    patients = chunk.patient_ids()
    owner = np.sort(patients[rng.integers(0, len(patients), chunk.rows_for("payment_methods"))])
    n, today = len(owner), day_number(chunk.as_of)
    kind = pick(rng, n, STORED)
    card = kind.is_in(CARDS).to_numpy()
    first = np.r_[True, owner[1:] != owner[:-1]] if n else np.empty(0, dtype=bool)
    active = chance(rng, n, 0.9)
    return {
        "payment_methods": pl.DataFrame(
            {
                "payment_method_id": chunk.take_keys("payment_methods", n),
                "patient_id": owner,
                "type": kind,
                "brand": blanked(pick(rng, n, {"Visa": 6, "Mastercard": 3, "Amex": 2, "Discover": 1}), ~card),
                "last4": blanked(numbered("", rng.integers(0, 10_000, n), 4), (kind == "Invoice").to_numpy()),
                "token": blanked(
                    "tok_" + numbered("", rng.integers(10**11, 10**12, n), 12), (kind == "Invoice").to_numpy()
                ),
                "expires_on": blanked(dates(today + rng.integers(-300, 1400, n)), ~card),
                "autopay": active & chance(rng, n, 0.55),
                "is_default": yes_no(first),
                "is_active": yes_no(active),
                "created_at": moments(today - rng.integers(1, 2000, n), any_seconds(rng, n)),
            }
        )
    }


def payments(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`payments`, `payment_allocations`, `adjustments`, `refunds`."""
    rng = chunk.rng("payments")
    pieces = _joined(chunk, rng, chunk.frames[PIECES])
    received = pieces.group_by("payment", maintain_order=True).agg(
        pl.col("patient_id", "kind", "claim").first(), pl.col("day").max(), pl.col("cents").sum()
    )
    failed = _failed(chunk, rng)
    keys = chunk.take_keys("payments", received.height + failed.height)
    every = pl.concat([received, failed], how="diagonal_relaxed").with_columns(pl.Series("payment_id", values=keys))
    pieces = pieces.with_columns(pl.Series("payment_id", values=keys[pieces["payment"].to_numpy()]))
    table = _payment_table(chunk, rng, every)
    return {
        "payments": table,
        "payment_allocations": _allocation_table(chunk, pieces, every),
        "adjustments": _adjustment_table(chunk, rng),
        "refunds": _refund_table(chunk, rng, pieces, table),
        PIECES: pieces.with_columns(table["method"].gather(pieces["payment"]).alias("method")),
    }


def _joined(chunk: Chunk, rng: np.random.Generator, pieces: pl.DataFrame) -> pl.DataFrame:
    """Pieces with the number of their payment: a payer pays a claim at once, a patient now and then two charges."""
    charges = chunk.frames[CHARGES]
    ordered = pieces.with_columns(
        charges["patient_id"].gather(pieces["charge"]).alias("patient_id"),
        charges["billing_id"].gather(pieces["charge"]).alias("billing_id"),
        pl.col("kind").replace("product", "patient").alias("till"),
    ).sort("till", "claim", "patient_id", "day", "charge", nulls_last=True)
    n = ordered.height
    if n == 0:
        return ordered.with_columns(pl.lit(0, pl.Int64).alias("payment"))
    till, patient, day = (ordered[name].to_numpy() for name in ("till", "patient_id", "day"))
    claim = ordered["claim"].fill_null(-1).to_numpy()
    other_payer = (till[1:] != till[:-1]) | (patient[1:] != patient[:-1]) | (claim[1:] != claim[:-1])
    at_once = (till[1:] == "patient") & (day[1:] - day[:-1] <= JOINED_WITHIN_DAYS) & chance(rng, n - 1, JOINED_SHARE)
    apart = (claim[1:] < 0) & ~at_once
    return ordered.with_columns(pl.Series("payment", values=np.cumsum(np.r_[True, other_payer | apart]) - 1))


def _failed(chunk: Chunk, rng: np.random.Generator) -> pl.DataFrame:
    """Attempts that brought no money: declined membership charges, and some others."""
    charges = chunk.frames[CHARGES]
    tried = charges.filter(
        pl.col("declined") | (pl.Series(values=chance(rng, charges.height, FAILED_SHARE)) & ~pl.col("is_void"))
    )
    return tried.select(
        "patient_id",
        pl.lit("patient").alias("kind"),
        pl.col("service_day").alias("day"),
        pl.col("amount").alias("cents"),
    ).with_columns(pl.lit(True).alias("failed"))


def _payment_table(chunk: Chunk, rng: np.random.Generator, every: pl.DataFrame) -> pl.DataFrame:
    n, today = every.height, day_number(chunk.as_of)
    failed = every["failed"].fill_null(False).to_numpy() if "failed" in every.columns else np.zeros(n, dtype=bool)
    insurer = (every["kind"] == "insurance").to_numpy()
    overpaid = ~insurer & ~failed & chance(rng, n, OVERPAID_SHARE)
    surplus = np.where(overpaid, rng.integers(100, 5_000, n), 0)
    method = pl.Series(values=np.where(insurer, "Insurance", pick(rng, n, METHODS).to_numpy()).astype(str))
    day = every["day"].to_numpy()
    users = chunk.reference["staff_users"]["user_id"]
    payer = (
        chunk.frames[CLAIMS]["payer_id"].gather(every["claim"].fill_null(0))
        if insurer.any()
        else pl.Series(values=[None] * n, dtype=pl.Int64)
    )
    posted = np.minimum(day + rng.integers(0, 3, n), today - 1)
    return every.select(
        "payment_id",
        "patient_id",
        blanked(payer, ~insurer).alias("payer_id"),
        _stored_method(chunk, every["patient_id"], method).alias("payment_method_id"),
        dates(day).alias("payment_date"),
        dates(posted).alias("posted_date"),
        money(every["cents"].to_numpy() + surplus).alias("amount"),
        pl.col("kind").alias("type"),
        method.alias("method"),
        sometimes(rng, numbered("R", rng.integers(1, 10**9, n), 10), 0.15).alias("reference_no"),
        pl.Series("status", values=np.where(failed, "failed", "posted")),
        money(surplus).alias("unallocated_amount"),
        pl.lit("USD").alias("currency"),
        sometimes(rng, "D" + pl.Series(values=day).cast(pl.String), 0.05).alias("deposit_batch"),
        sometimes(rng, users.gather(rng.integers(0, len(users), n)), 0.02).alias("entered_by"),
        moments(posted, any_seconds(rng, n)).alias("DateTStamp"),
    )


def _stored_method(chunk: Chunk, patients: pl.Series, method: pl.Series) -> pl.Series:
    """The patient's stored method of that type, where there is one."""
    stored = chunk.frames["payment_methods"].unique(["patient_id", "type"], keep="first", maintain_order=True)
    wanted = pl.DataFrame({"patient_id": patients, "type": method})
    found = wanted.join(
        stored.select("patient_id", "type", "payment_method_id"),
        on=["patient_id", "type"],
        how="left",
        maintain_order="left",
    )
    return found["payment_method_id"]


def _allocation_table(chunk: Chunk, pieces: pl.DataFrame, every: pl.DataFrame) -> pl.DataFrame:
    day = every["day"].gather(pieces["payment"]).to_numpy()
    return pieces.select(
        pl.Series("allocation_id", values=chunk.take_keys("payment_allocations", pieces.height)),
        "payment_id",
        "billing_id",
        money(pieces["cents"].to_numpy()).alias("amount"),
        dates(day).alias("allocated_on"),
        dates(day).cast(pl.Datetime("us")).alias("last_updated"),
    )


def _adjustment_table(chunk: Chunk, rng: np.random.Generator) -> pl.DataFrame:
    adjusted = chunk.frames[ADJUSTMENTS]
    n = adjusted.height
    day = np.minimum(adjusted["day"].to_numpy(), day_number(chunk.as_of) - 1)
    users = chunk.reference["staff_users"]["user_id"]
    return pl.DataFrame(
        {
            "adjustment_id": chunk.take_keys("adjustments", n),
            "billing_id": chunk.frames[CHARGES]["billing_id"].gather(adjusted["charge"]),
            "adjustment_date": dates(day),
            "type": adjusted["type"],
            "amount": money(adjusted["cents"].to_numpy()),
            "reason": sometimes(rng, adjusted["reason"], 0.1),
            "entered_by": sometimes(rng, users.gather(rng.integers(0, len(users), n)), 0.03),
            "DateTStamp": moments(day, any_seconds(rng, n)),
        }
    )


def _refund_table(chunk: Chunk, rng: np.random.Generator, pieces: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    paid_by = pieces.unique("charge", keep="first", maintain_order=True).select(
        "charge", "payment", "payment_id", "billing_id"
    )
    returned = chunk.frames[REFUNDS].join(paid_by, on="charge", how="left", maintain_order="left")
    n = returned.height
    users = chunk.reference["staff_users"]["user_id"]
    paid_on = table["payment_date"].gather(returned["payment"]).to_physical().to_numpy().astype(np.int64)
    day = np.minimum(np.maximum(returned["day"].to_numpy(), paid_on + 1), day_number(chunk.as_of) - 1)
    return returned.select(
        pl.Series("refund_id", values=chunk.take_keys("refunds", n)),
        "payment_id",
        "billing_id",
        dates(day).alias("refund_date"),
        money(returned["cents"].to_numpy()).alias("amount"),
        "reason",
        table["method"].gather(returned["payment"]).alias("method"),
        sometimes(rng, users.gather(rng.integers(0, len(users), n)), 0.05).alias("approved_by"),
        moments(day, any_seconds(rng, n)).alias("created_at"),
    )


PER_CHUNK = [payment_methods, payments]
