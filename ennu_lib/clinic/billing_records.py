"""The charges as the ledger stores them, the balances of the patients, and their invoices."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.billing_charges import CHARGES
from ennu_lib.clinic.billing_settlement import PIECES
from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.office_draw import money, numbered, yes_no
from ennu_lib.clinic.people_draw import any_seconds, chance, dates, day_number, moments, pick, rank_within, sometimes

AGES = {"aging_0_30": (-(10**6), 30), "aging_31_60": (30, 60), "aging_61_90": (60, 90), "aging_over_90": (90, 10**6)}
INVOICED_SHARE, ITEMS_PER_INVOICE = 0.58, 2.4


def billing_records(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`billing_records`: status, method and balance follow from what was paid, adjusted and refunded."""
    rng = chunk.rng("billing_records table")
    charges = chunk.frames[CHARGES]
    n, today = charges.height, day_number(chunk.as_of)
    last = chunk.frames[PIECES].sort("charge", "day").unique("charge", keep="last", maintain_order=True)
    method = charges.select("charge").join(
        last.select("charge", "method", "day"), on="charge", how="left", maintain_order="left"
    )
    used_credit = (
        (charges["adjusted"] >= charges["amount"]) & (charges["allocated"] == 0) & ~charges["written_off"]
    ).to_numpy()
    paid_with = pl.select(
        pl.when(pl.Series(values=used_credit)).then(pl.lit("Credit")).otherwise(method["method"])
    ).to_series()
    day = charges["service_day"].to_numpy()
    posted = np.minimum(day + rng.integers(0, 3, n), today - 1)
    users = chunk.reference["staff_users"]["user_id"]
    table = charges.select(
        "billing_id",
        "patient_id",
        "encounter_id",
        "provider_id",
        dates(day).alias("service_date"),
        "service_type",
        money(charges["amount"].to_numpy()).alias("service_amount"),
        _status(charges, today).alias("payment_status"),
        paid_with.alias("payment_method"),
        pl.col("claim_status").fill_null("Not Applicable").alias("insurance_claim"),
        money(charges["outstanding"].to_numpy()).alias("outstanding_balance"),
        pl.when("is_void").then(pl.lit("Void")).otherwise(pl.lit("Charge")).alias("transaction_type"),
        "procedure_code",
        dates(charges["due_day"].to_numpy()).alias("due_date"),
        pl.lit("USD").alias("currency"),
        dates(posted).alias("posted_date"),
        pl.col("facility_id"),
        yes_no(charges["is_void"].to_numpy()).alias("is_void"),
        sometimes(rng, users.gather(rng.integers(0, len(users), n)), 0.02).alias("entered_by"),
        moments(np.maximum(posted, method["day"].fill_null(0).to_numpy()), any_seconds(rng, n)).alias("DateTStamp"),
    )
    return {"billing_records": table, "patient_balances": _balances(chunk, charges)}


def _status(charges: pl.DataFrame, today: int) -> pl.Series:
    """Payment status by the money: see rule FIN-04 of the data quality rules."""
    paid = charges["allocated"] > 0
    return charges.select(
        pl.when("is_void")
        .then(pl.lit("Void"))
        .when((pl.col("refunded") > 0) & (pl.col("refunded") >= pl.col("allocated")))
        .then(pl.lit("Refunded"))
        .when(pl.col("written_off"))
        .then(pl.lit("Written Off"))
        .when(pl.col("outstanding") <= 0)
        .then(pl.lit("Paid"))
        .when(paid)
        .then(pl.lit("Partial"))
        .when(pl.col("due_day") < today)
        .then(pl.lit("Overdue"))
        .otherwise(pl.lit("Pending"))
    ).to_series()


def _balances(chunk: Chunk, charges: pl.DataFrame) -> pl.DataFrame:
    """One row per patient: open charges less what was paid without a charge, and the open part by age."""
    today = day_number(chunk.as_of)
    open_ = charges.filter(pl.col("outstanding") != 0).with_columns((today - pl.col("due_day")).alias("age"))
    sums = open_.group_by("patient_id").agg(
        pl.col("outstanding").sum(),
        pl.col("outstanding").filter(pl.col("open_claim")).sum().alias("pending"),
        *[
            pl.col("outstanding").filter((pl.col("age") > low) & (pl.col("age") <= high)).sum().alias(name)
            for name, (low, high) in AGES.items()
        ],
    )
    credit = (
        chunk.frames["payments"]
        .filter(pl.col("status") == "posted")
        .group_by("patient_id")
        .agg((pl.col("unallocated_amount") * 100).round().sum().cast(pl.Int64).alias("credit"))
    )
    rows = pl.DataFrame({"patient_id": chunk.patient_ids()}).join(
        sums, on="patient_id", how="left", maintain_order="left"
    )
    rows = rows.join(credit, on="patient_id", how="left", maintain_order="left").fill_null(0)
    return rows.select(
        pl.Series("balance_id", values=chunk.take_keys("patient_balances", rows.height)),
        "patient_id",
        money((rows["outstanding"] - rows["credit"]).to_numpy()).alias("current_balance"),
        money(rows["pending"].to_numpy()).alias("insurance_pending"),
        money(rows["credit"].to_numpy()).alias("unallocated_credit"),
        *[money(rows[name].to_numpy()).alias(name) for name in AGES],
        pl.lit(chunk.as_of).alias("as_of_date"),
    )


def invoices(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`invoices` and `invoice_items`: a part of the charges, a few of one patient on each; totals are their sums."""
    rng = chunk.rng("invoices")
    charges = chunk.frames[CHARGES].filter(~pl.col("is_void") & (pl.col("amount") > 0))
    items = charges.filter(pl.Series(values=chance(rng, charges.height, INVOICED_SHARE))).sort(
        "patient_id", "service_day", "charge"
    )
    patient = items["patient_id"].to_numpy()
    new = np.r_[True, patient[1:] != patient[:-1]] if len(patient) else np.empty(0, dtype=bool)
    number = np.cumsum(new | chance(rng, len(patient), 1 / ITEMS_PER_INVOICE)) - 1
    heads = (
        items.with_columns(pl.Series("invoice", values=number))
        .group_by("invoice", maintain_order=True)
        .agg(
            pl.col("patient_id").first(), pl.col("service_day", "due_day").max(), pl.col("amount", "outstanding").sum()
        )
    )
    keys = chunk.take_keys("invoices", heads.height)
    return {
        "invoices": _invoice_table(chunk, rng, heads, keys),
        "invoice_items": _item_table(chunk, items, number, keys),
    }


def _invoice_table(chunk: Chunk, rng: np.random.Generator, heads: pl.DataFrame, keys: np.ndarray) -> pl.DataFrame:
    n, today = heads.height, day_number(chunk.as_of)
    issued = np.minimum(heads["service_day"].to_numpy() + rng.integers(0, 15, n), today - 1)
    due = np.maximum(heads["due_day"].to_numpy(), issued + 14)
    open_ = heads["outstanding"].to_numpy() > 0
    status = np.where(open_, np.where(due < today, "overdue", "open"), "paid")
    users = chunk.reference["staff_users"]["user_id"]
    return pl.DataFrame(
        {
            "invoice_id": keys,
            "patient_id": heads["patient_id"],
            "invoice_no": numbered("INV-", keys, 8),
            "invoice_date": dates(issued),
            "due_date": dates(due),
            "total": money(heads["amount"].to_numpy()),
            "status": pl.Series(values=status.astype(str)),
            "sent_via": sometimes(rng, pick(rng, n, {"email": 6, "mail": 2, "portal": 3}), 0.05),
            "memo": sometimes(
                rng, pick(rng, n, ["Thank you for your payment.", "Second notice.", "HSA receipt enclosed."]), 0.8
            ),
            "created_by": sometimes(rng, users.gather(rng.integers(0, len(users), n)), 0.02),
            "modified_at": moments(issued, any_seconds(rng, n)),
        }
    )


def _item_table(chunk: Chunk, items: pl.DataFrame, number: np.ndarray, keys: np.ndarray) -> pl.DataFrame:
    return items.select(
        pl.Series("invoice_item_id", values=chunk.take_keys("invoice_items", items.height)),
        pl.Series("invoice_id", values=keys[number]),
        "billing_id",
        pl.Series("order", values=rank_within(number) + 1),
        (pl.col("service_type") + " on " + dates(items["service_day"].to_numpy()).cast(pl.String)).alias("description"),
        money(items["amount"].to_numpy()).alias("amount"),
    )


PER_CHUNK = [billing_records, invoices]
