"""Accounts of the patients beside the charges: statements, plans, recurring charges, collections, ledger postings."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.billing_charges import CHARGES
from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.office_draw import money, numbered, rows_made, yes_no
from ennu_lib.clinic.people_draw import (
    any_seconds,
    blanked,
    chance,
    dates,
    day_number,
    moments,
    pick,
    sample,
    sometimes,
)

MONTHS = {"Monthly": 1, "Quarterly": 3, "Annual": 12}
AGENCIES = ["Bay Area Recovery", "National Medical Collections", "Sunbelt Receivables"]
RECEIVABLES, CASH = "1200", "1010"
INCOME = {"Membership": "4020", "Product": "4030", "Supplement": "4030", "Medication": "4030"}


def statements(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`statements`: closing balance = opening balance + charges - credits."""
    rng = chunk.rng("statements")
    patients, today = chunk.patient_ids(), day_number(chunk.as_of)
    n = chunk.rows_for("statements")
    day = today - rng.integers(1, 1_460, n)
    opening, charged = rng.integers(0, 40_000, n), rng.integers(0, 90_000, n)
    credits_ = np.where(chance(rng, n, 0.7), opening + charged, (opening + charged) * rng.integers(0, 100, n) // 100)
    return {
        "statements": pl.DataFrame(
            {
                "statement_id": chunk.take_keys("statements", n),
                "patient_id": np.sort(patients[rng.integers(0, len(patients), n)]),
                "statement_date": dates(day),
                "period": dates(day).cast(pl.String).str.slice(0, 7),
                "opening_balance": money(opening),
                "charges": money(charged),
                "credits": money(credits_),
                "closing_balance": money(opening + charged - credits_),
                "mode": pick(rng, n, {"mail": 3, "email": 5, "portal": 2}),
                "aging_bucket": sometimes(rng, pick(rng, n, {"0-30": 6, "31-60": 2, "61-90": 1, "90+": 1}), 0.1),
                "DateTStamp": moments(day, any_seconds(rng, n)),
            }
        )
    }


def recurring_charges(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`recurring_charges` of the members; those whose membership has ended have a last charge in the past."""
    rng = chunk.rng("recurring_charges")
    members = rows_made(chunk, "25againmembers").filter(pl.col("patient_id").is_not_null())
    members = members[sample(rng, members.height, chunk.rows_for("recurring_charges"))]
    n, today = members.height, day_number(chunk.as_of)
    frequency = members["billing_frequency"].cast(pl.String).str.to_titlecase()
    frequency = pl.select(
        pl.when(frequency.is_in(list(MONTHS))).then(frequency).otherwise(pl.lit("Monthly"))
    ).to_series()
    months = frequency.replace_strict(MONTHS).to_numpy()
    running = (members["membership_status"].str.to_lowercase() == "active").fill_null(False).to_numpy()
    start = today - rng.integers(40, 1_800, n)
    stop = np.maximum(start + 30, today - rng.integers(1, 600, n))
    fee = np.rint(members["monthly_fee"].fill_null(149.0).to_numpy() * 100).astype(np.int64)
    methods = chunk.frames["payment_methods"].unique("patient_id", keep="first", maintain_order=True)
    method = members.select("patient_id").join(
        methods.select("patient_id", "payment_method_id"), on="patient_id", how="left", maintain_order="left"
    )
    failures = rng.choice([0, 0, 0, 0, 0, 0, 0, 1, 1, 2], n)
    return {
        "recurring_charges": pl.DataFrame(
            {
                "recurring_id": chunk.take_keys("recurring_charges", n),
                "patient_id": members["patient_id"],
                "payment_method_id": method["payment_method_id"],
                "amount": money(fee * months),
                "billing_frequency": frequency,
                "interval": months,
                "start_date": dates(start),
                "stop_date": blanked(dates(np.minimum(stop, today - 1)), running),
                "next_charge_date": blanked(dates(today + rng.integers(1, 30, n)), ~running),
                "failed_attempts": failures,
                "note": sometimes(rng, pick(rng, n, ["Price locked.", "Family plan.", "Employee discount."]), 0.85),
            }
        )
    }


def _debtors(chunk: Chunk, overdue_days: int) -> pl.DataFrame:
    """Patients and the cents they owe since more than so many days, largest debt first."""
    today = day_number(chunk.as_of)
    late = chunk.frames[CHARGES].filter((pl.col("outstanding") > 0) & (today - pl.col("due_day") > overdue_days))
    owed = late.group_by("patient_id").agg(pl.col("outstanding").sum(), pl.col("due_day").max())
    return owed.sort("outstanding", "patient_id", descending=[True, False])


def payment_plans(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`payment_plans`: debts paid by instalments; principal = instalments x amount, the last one rounded up."""
    rng = chunk.rng("payment_plans")
    owed = _debtors(chunk, 30).head(chunk.rows_for("payment_plans"))
    n, today = owed.height, day_number(chunk.as_of)
    count = rng.choice([3, 6, 12], n)
    principal = owed["outstanding"].to_numpy()
    amount = -(-principal // count)
    agreed = np.minimum(owed["due_day"].to_numpy() + rng.integers(5, 60, n), today - 1)
    status = pick(rng, n, {"active": 55, "completed": 25, "default": 14, "cancelled": 6})
    paid_parts = np.where((status == "completed").to_numpy(), count, rng.integers(0, count + 1, n))
    return {
        "payment_plans": pl.DataFrame(
            {
                "payment_plan_id": chunk.take_keys("payment_plans", n),
                "patient_id": owed["patient_id"],
                "agreed_on": dates(agreed),
                "principal": money(principal),
                "apr": np.zeros(n),
                "instalments": count,
                "instalment_amount": money(amount),
                "interval": pick(rng, n, {"monthly": 9, "weekly": 1}),
                "paid_to_date": money(np.minimum(principal, paid_parts * amount)),
                "status": status,
                "note": sometimes(
                    rng, pick(rng, n, ["Hardship form on file.", "Card on file.", "Calls on due date."]), 0.7
                ),
                "DateTStamp": moments(agreed, any_seconds(rng, n)),
            }
        )
    }


def collections_accounts(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`collections_accounts`: the largest debts that are overdue for half a year."""
    rng = chunk.rng("collections_accounts")
    owed = _debtors(chunk, 180).head(chunk.rows_for("collections_accounts"))
    n, today = owed.height, day_number(chunk.as_of)
    placed = np.minimum(owed["due_day"].to_numpy() + 120 + rng.integers(0, 60, n), today - 1)
    status = pick(rng, n, {"placed": 6, "settled": 2, "returned": 1, "disputed": 1})
    closed = np.minimum(placed + rng.integers(30, 300, n), today)
    recovered = owed["outstanding"].to_numpy() * rng.integers(10, 60, n) // 100
    return {
        "collections_accounts": pl.DataFrame(
            {
                "collection_id": chunk.take_keys("collections_accounts", n),
                "patient_id": owed["patient_id"],
                "agency": pick(rng, n, AGENCIES),
                "placed_on": dates(placed),
                "placed_amount": money(owed["outstanding"].to_numpy()),
                "recovered_amount": money(np.where((status == "settled").to_numpy(), recovered, 0)),
                "status": status,
                "closed_on": blanked(dates(closed), ~status.is_in(["settled", "returned"]).to_numpy()),
                "DateTStamp": moments(placed, any_seconds(rng, n)),
            }
        )
    }


def account_ledger_entries(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`account_ledger_entries`: double entry; each journal's debit and credit are the same amount."""
    rng = chunk.rng("account_ledger_entries")
    charges = chunk.frames[CHARGES].filter(~pl.col("is_void"))
    journals = charges[sample(rng, charges.height, chunk.rows_for("account_ledger_entries") // 2)]
    income = journals["service_type"].replace_strict(INCOME, default="4010", return_dtype=pl.String)
    paid = journals["outstanding"].to_numpy() == 0
    debit_account = pl.Series(values=np.where(paid, CASH, RECEIVABLES).astype(str))
    n = journals.height
    both = np.arange(2 * n) // 2
    is_debit = np.arange(2 * n) % 2 == 0
    day, cents = journals["service_day"].to_numpy()[both], journals["amount"].to_numpy()[both]
    users = chunk.reference["staff_users"]["user_id"]
    return {
        "account_ledger_entries": pl.DataFrame(
            {
                "ledger_id": chunk.take_keys("account_ledger_entries", 2 * n),
                "entry_date": dates(day),
                "account": pl.select(
                    pl.when(pl.Series(values=is_debit)).then(debit_account.gather(both)).otherwise(income.gather(both))
                ).to_series(),
                "debit": money(np.where(is_debit, cents, 0)),
                "credit": money(np.where(is_debit, 0, cents)),
                "period": dates(day).cast(pl.String).str.slice(0, 7),
                "reference": sometimes(rng, numbered("JE-", journals["billing_id"].to_numpy()[both], 8), 0.1),
                "memo": sometimes(rng, journals["service_type"].gather(both) + " revenue", 0.4),
                "posted_by": sometimes(rng, users.gather(rng.integers(0, len(users), 2 * n)), 0.1),
                "reconciled": yes_no(chance(rng, 2 * n, 0.9)),
            }
        )
    }


PER_CHUNK = [statements, recurring_charges, payment_plans, collections_accounts, account_ledger_entries]
