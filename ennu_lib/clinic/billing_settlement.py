"""Who pays which charge and when: payments of payers and patients, write-offs, refunds, to the cent.

Everything is decided per charge in whole cents, so that amount = allocated + adjusted - refunded + outstanding holds
exactly. Private frames: `_pieces` (one amount applied to one charge; later an allocation), `_adjustments`, `_refunds`,
and `_charges` with the sums of all three.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.billing_charges import CHARGES
from ennu_lib.clinic.billing_claims import CLAIMED
from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.people_draw import chance, day_number, pick

PIECES, ADJUSTMENTS, REFUNDS = "_pieces", "_adjustments", "_refunds"
OPEN_CLAIM = ["Draft", "Submitted", "Accepted", "Rejected", "Appealed"]
DUE_DAYS, DUE_DAYS_INSURED = 30, 60
PAID_AT_ONCE = ["Membership", "Product", "Supplement", "Medication"]

COURTESY_SHARE, CREDIT_SHARE = 0.02, 0.03
PAYS_IN_FULL, PAYS_IN_PART = (0.95, 0.80), (0.015, 0.04)  # for charges older and younger than two months
SETTLED_AFTER_DAYS, WRITTEN_OFF_AFTER_DAYS, WRITTEN_OFF_SHARE = 60, 365, 0.35
SAME_DAY, WITHIN_A_MONTH = 0.70, 0.92
SPLIT_SHARE, SPLIT_FROM_CENTS = 0.05, 10_000
FULL_REFUND = 0.6
REFUND_REASONS = {"Service not rendered": 3, "Billed twice": 2, "Dissatisfied": 2, "Product returned": 3}
ADJUSTMENT_REASONS = {
    "Contractual": "Payer contract",
    "Courtesy": "Courtesy discount",
    "Write-off": "Uncollectible balance",
    "Package Credit": "Membership package credit used",
}


def settlement(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """The private frames of who pays what."""
    rng = chunk.rng("settlement")
    charges = _with_claims(chunk)
    adjustments = [_contractual(charges), _credits(rng, charges), _courtesies(rng, charges)]
    charges = _owed_by_patient(charges, adjustments)
    paid = _patient_pieces(chunk, rng, charges)
    pieces = pl.concat([_payer_pieces(charges), paid], how="diagonal_relaxed")
    adjustments.append(_write_offs(chunk, rng, charges, paid))
    refunds = _refunds(chunk, rng, charges, pieces)
    adjustments.append(
        refunds.select(
            "charge", "cents", "day", pl.lit("Courtesy").alias("type"), pl.lit("Refunded service").alias("reason")
        )
    )
    adjusted = (
        pl.concat(adjustments, how="diagonal_relaxed").filter(pl.col("cents") > 0).sort("charge", maintain_order=True)
    )
    return {
        PIECES: pieces.sort("charge", "day", maintain_order=True),
        ADJUSTMENTS: adjusted.with_columns(
            pl.col("reason").fill_null(pl.col("type").replace_strict(ADJUSTMENT_REASONS))
        ),
        REFUNDS: refunds,
        CHARGES: _totalled(charges, pieces, adjusted, refunds),
    }


def _with_claims(chunk: Chunk) -> pl.DataFrame:
    claimed = chunk.frames[CLAIMED].rename({"status": "claim_status", "paid": "payer_cents", "paid_day": "payer_day"})
    charges = chunk.frames[CHARGES].with_row_index("charge").with_columns(pl.col("charge").cast(pl.Int64))
    joined = charges.join(claimed, on="charge", how="left", maintain_order="left")
    due = np.where(joined["claim"].is_null().to_numpy(), DUE_DAYS, DUE_DAYS_INSURED)
    due = np.where(joined["service_type"].is_in(PAID_AT_ONCE).to_numpy(), 0, due)
    return joined.with_columns(
        pl.col("payer_cents", "writeoff").fill_null(0),
        (pl.col("service_day") + pl.Series(values=due)).alias("due_day"),
        pl.col("claim_status").is_in(OPEN_CLAIM).fill_null(False).alias("open_claim"),
        pl.col("declined").fill_null(False),
    )


def _contractual(charges: pl.DataFrame) -> pl.DataFrame:
    written = charges.filter(pl.col("writeoff") > 0)
    return written.select(
        "charge",
        pl.col("writeoff").alias("cents"),
        pl.col("payer_day").alias("day"),
        pl.lit("Contractual").alias("type"),
    )


def _uninsured(charges: pl.DataFrame) -> np.ndarray:
    return (charges["claim"].is_null() & ~charges["is_void"]).to_numpy()


def _credits(rng: np.random.Generator, charges: pl.DataFrame) -> pl.DataFrame:
    """Visits of members that a package credit pays in full."""
    visit = charges["service_type"].is_in(["Consultation", "Telehealth"]).to_numpy()
    used = _uninsured(charges) & visit & chance(rng, charges.height, CREDIT_SHARE)
    return charges.filter(pl.Series(values=used)).select(
        "charge",
        pl.col("amount").alias("cents"),
        pl.col("service_day").alias("day"),
        pl.lit("Package Credit").alias("type"),
    )


def _courtesies(rng: np.random.Generator, charges: pl.DataFrame) -> pl.DataFrame:
    given = (
        _uninsured(charges) & charges["visit"].is_not_null().to_numpy() & chance(rng, charges.height, COURTESY_SHARE)
    )
    some = charges.filter(pl.Series(values=given))
    return some.select(
        "charge",
        pl.Series("cents", values=some["amount"].to_numpy() * rng.choice([10, 15, 20], some.height) // 100),
        pl.col("service_day").alias("day"),
        pl.lit("Courtesy").alias("type"),
    )


def _per_charge(rows: int, frame: pl.DataFrame) -> np.ndarray:
    """Sum of `cents` by charge."""
    return np.rint(np.bincount(frame["charge"].to_numpy(), weights=frame["cents"].to_numpy(), minlength=rows)).astype(
        np.int64
    )


def _owed_by_patient(charges: pl.DataFrame, adjustments: list[pl.DataFrame]) -> pl.DataFrame:
    """Add `owed`: what is left for the patient; nothing for void charges and while a claim is open.

    A package credit and a courtesy may fall on one charge: then the credit is what the charge was reduced to before.
    """
    amount = charges["amount"].to_numpy()
    courtesy = _per_charge(charges.height, adjustments[2])
    credit = _per_charge(charges.height, adjustments[1])
    adjustments[2] = adjustments[2].filter(pl.Series(values=credit[adjustments[2]["charge"].to_numpy()] == 0))
    courtesy = np.where(credit > 0, 0, courtesy)
    left = amount - charges["payer_cents"].to_numpy() - charges["writeoff"].to_numpy() - credit - courtesy
    waits = charges["is_void"].to_numpy() | charges["open_claim"].to_numpy()
    return charges.with_columns(pl.Series("owed", values=np.where(waits, 0, left)))


def _payer_pieces(charges: pl.DataFrame) -> pl.DataFrame:
    return charges.filter(pl.col("payer_cents") > 0).select(
        "charge",
        pl.col("payer_cents").alias("cents"),
        pl.col("payer_day").alias("day"),
        "claim",
        pl.lit("insurance").alias("kind"),
    )


def _patient_pieces(chunk: Chunk, rng: np.random.Generator, charges: pl.DataFrame) -> pl.DataFrame:
    """What patients pay: most charges in full, on the day or within months; some in two parts, some in part only."""
    n, today = charges.height, day_number(chunk.as_of)
    owed, since = (
        charges["owed"].to_numpy(),
        np.maximum(charges["service_day"].to_numpy(), charges["payer_day"].fill_null(0).to_numpy()),
    )
    old = today - since > SETTLED_AFTER_DAYS
    draw = rng.random(n)
    full = draw < np.where(old, *PAYS_IN_FULL)
    part = ~full & (draw < np.where(old, *PAYS_IN_FULL) + np.where(old, *PAYS_IN_PART))
    when = rng.random(n)
    delay = np.where(
        when < SAME_DAY, 0, np.where(when < WITHIN_A_MONTH, rng.integers(1, 31, n), rng.integers(31, 121, n))
    )
    day = since + delay
    pays = (owed > 0) & ~charges["declined"].to_numpy() & (full | part) & (day < today)
    cents = np.where(full, owed, np.maximum(1, owed * rng.integers(10, 80, n) // 100))
    second_day = day + 30
    split = pays & full & (cents >= SPLIT_FROM_CENTS) & chance(rng, n, SPLIT_SHARE) & (second_day < today)
    first = np.where(split, cents // 2, cents)
    kind = charges["service_type"].replace_strict(
        {"Membership": "membership", "Product": "product", "Supplement": "product", "Medication": "product"},
        default="patient",
    )
    frame = charges.select("charge", "patient_id").with_columns(kind.alias("kind"))
    once = frame.with_columns(pl.Series("cents", values=first), pl.Series("day", values=day)).filter(
        pl.Series(values=pays)
    )
    twice = frame.with_columns(pl.Series("cents", values=cents - first), pl.Series("day", values=second_day)).filter(
        pl.Series(values=split)
    )
    return pl.concat([once, twice])


def _write_offs(chunk: Chunk, rng: np.random.Generator, charges: pl.DataFrame, paid: pl.DataFrame) -> pl.DataFrame:
    """Old balances that the clinic gave up."""
    today = day_number(chunk.as_of)
    rest = charges["owed"].to_numpy() - _per_charge(charges.height, paid)
    old = today - charges["service_day"].to_numpy() > WRITTEN_OFF_AFTER_DAYS
    given_up = (rest > 0) & old & chance(rng, charges.height, WRITTEN_OFF_SHARE)
    return (
        charges.with_columns(pl.Series("cents", values=rest))
        .filter(pl.Series(values=given_up))
        .select(
            "charge",
            "cents",
            (pl.col("service_day") + WRITTEN_OFF_AFTER_DAYS).alias("day"),
            pl.lit("Write-off").alias("type"),
        )
    )


def _refunds(chunk: Chunk, rng: np.random.Generator, charges: pl.DataFrame, pieces: pl.DataFrame) -> pl.DataFrame:
    """Refunds of charges that one payment of the patient had settled."""
    today = day_number(chunk.as_of)
    alone = pieces.with_row_index("piece").filter(pl.len().over("charge") == 1)
    able = alone.filter((pl.col("kind") != "insurance") & (pl.col("day") < today - 45)).join(
        charges.filter(pl.col("owed") == pl.col("amount")).select("charge", "amount"),
        on="charge",
        how="inner",
        maintain_order="left",
    )
    able = able.filter(pl.col("cents") == pl.col("amount"))
    share = chunk.rows_for("refunds") / max(able.height, 1)
    chosen = able.filter(pl.Series(values=chance(rng, able.height, share)))
    n = chosen.height
    part = np.where(chance(rng, n, FULL_REFUND), 100, rng.integers(10, 90, n))
    return chosen.select(
        "charge",
        pl.Series("cents", values=np.maximum(1, chosen["cents"].to_numpy() * part // 100)),
        pl.Series("day", values=chosen["day"].to_numpy() + rng.integers(3, 40, n)),
        pick(rng, n, REFUND_REASONS).alias("reason"),
    )


def _totalled(
    charges: pl.DataFrame, pieces: pl.DataFrame, adjusted: pl.DataFrame, refunds: pl.DataFrame
) -> pl.DataFrame:
    n = charges.height
    allocated, taken_off, returned = (_per_charge(n, frame) for frame in (pieces, adjusted, refunds))
    gave_up = _per_charge(n, adjusted.filter(pl.col("type") == "Write-off")) > 0
    open_cents = np.where(
        charges["is_void"].to_numpy(), 0, charges["amount"].to_numpy() - allocated - taken_off + returned
    )
    return charges.with_columns(
        pl.Series("allocated", values=allocated),
        pl.Series("adjusted", values=taken_off),
        pl.Series("refunded", values=returned),
        pl.Series("written_off", values=gave_up),
        pl.Series("outstanding", values=open_cents),
    )


PER_CHUNK = [settlement]
