"""Billing to the cent: amounts, lines, balances, status, allocations, dates, repeats (FIN-01 to FIN-06, FIN-14)."""

from __future__ import annotations

import polars as pl

from ennu_lib.rules.parsing import cents, day, number, says_nothing, word, yes
from ennu_lib.rules.registry import Look, checks
from ennu_lib.rules.tables import KEY, Tables


def accounts(tables: Tables) -> pl.LazyFrame:
    """Every charge with what was paid, adjusted and refunded on it, in cents, and what is therefore outstanding."""
    return tables.made("accounts", _accounts)


def _accounts(tables: Tables) -> pl.LazyFrame:
    frame = tables(
        "billing_records", "billing_id", "patient_id", "service_amount", "outstanding_balance", "payment_status",
        "due_date", "is_void", "transaction_type",
    ).with_columns(
        amount=cents("service_amount"), stored=cents("outstanding_balance"), state=word("payment_status"),
        void=yes("is_void") | (word("transaction_type") == "void"), due=day("due_date"),
    )  # fmt: skip
    posted = tables("payments", "payment_id", "status").filter(word("status") == "posted").select("payment_id")
    allocated = tables("payment_allocations", "payment_id", "billing_id", "amount").join(
        posted, on="payment_id", how="semi"
    )
    adjusted = tables("adjustments", "billing_id", "amount")
    refunded = tables("refunds", "billing_id", "amount")
    for name, part in (("paid", allocated), ("adjusted", adjusted), ("refunded", refunded)):
        total = part.group_by("billing_id").agg(cents("amount").sum().alias(name))
        frame = frame.join(total, on="billing_id", how="left", maintain_order="left")
    frame = frame.with_columns(pl.col("paid", "adjusted", "refunded").fill_null(0))
    return frame.with_columns(open=pl.col("amount") - pl.col("paid") - pl.col("adjusted") + pl.col("refunded"))


@checks("FIN-01")
def amounts(tables: Tables, settings) -> list[Look]:
    """Amounts of a size that the clinic charges, below zero only for what takes back, in US dollars."""
    most = settings["most"]
    frame = tables("billing_records", "service_amount", "transaction_type", "currency")
    takes_back = word("transaction_type").is_in(settings["takes_back"])
    fails = {
        ("service_amount", "NEGATIVE"): (number("service_amount") < 0) & ~takes_back,
        ("service_amount", "TOO_LARGE"): number("service_amount").abs() > most,
        ("service_amount", "NOT_A_NUMBER"): ~says_nothing("service_amount") & number("service_amount").is_null(),
        ("currency", "NOT_USD"): word("currency") != "usd",
    }
    paid = tables("payments", "amount", "status", "currency")
    payment_fails = {
        ("amount", "NEGATIVE"): (number("amount") < 0) & (word("status") != "reversed"),
        ("amount", "TOO_LARGE"): number("amount").abs() > most,
        ("currency", "NOT_USD"): word("currency") != "usd",
    }
    return [Look("billing_records", frame, fails), Look("payments", paid, payment_fails)]


@checks("FIN-02")
def header_equals_lines(tables: Tables, settings) -> list[Look]:
    """A charge is the sum of its lines, an invoice that of its items."""
    line = number("qty") * number("price") - number("discount").fill_null(0) + number("tax").fill_null(0)
    lines = (
        tables("billing_line_items", "billing_id", "qty", "price", "discount", "tax")
        .group_by("billing_id")
        .agg((line.sum() * 100).round().cast(pl.Int64, strict=False).alias("lines"))
    )
    charges = tables("billing_records", "billing_id", "service_amount").join(
        lines, on="billing_id", how="left", maintain_order="left"
    )
    items = (
        tables("invoice_items", "invoice_id", "amount").group_by("invoice_id").agg(cents("amount").sum().alias("items"))
    )
    invoices = tables("invoices", "invoice_id", "total").join(items, on="invoice_id", how="left", maintain_order="left")
    return [
        Look(
            "billing_records",
            charges,
            {("service_amount", "NOT_SUM_OF_LINES"): (cents("service_amount") - pl.col("lines")).abs() > 1},
            pl.col("lines").is_not_null(),
        ),
        Look(
            "invoices",
            invoices,
            {("total", "NOT_SUM_OF_ITEMS"): (cents("total") - pl.col("items")).abs() > 1},
            pl.col("items").is_not_null(),
        ),
    ]


@checks("FIN-03")
def outstanding(tables: Tables, settings) -> list[Look]:
    """What is open is the amount less payments and adjustments plus refunds; per patient it is the sum of that."""
    frame = accounts(tables)
    owed = pl.when(pl.col("void")).then(0).otherwise(pl.col("open"))
    per_patient = frame.filter(~pl.col("void")).group_by("patient_id").agg(pl.col("stored").sum().alias("owed"))
    balances = tables("patient_balances", "patient_id", "current_balance").join(
        per_patient, on="patient_id", how="left", maintain_order="left"
    )
    difference = (cents("current_balance") - pl.col("owed").fill_null(0)).abs()
    return [
        Look(
            "billing_records", frame, {("outstanding_balance", "NOT_RECOMPUTED"): (pl.col("stored") - owed).abs() > 1}
        ),
        Look("patient_balances", balances, {("current_balance", "NOT_SUM_OF_CHARGES"): difference > 5}),
    ]


@checks("FIN-04")
def status(tables: Tables, settings) -> list[Look]:
    """The status says what the money says."""
    frame, state = accounts(tables), pl.col("state")
    owed = pl.col("open")
    wrong = {
        "PAID_BUT_OPEN": (state == "paid") & (owed > 1),
        "PARTIAL_BUT_NOT": (state == "partial") & ~((pl.col("paid") > 0) & (owed > 0)),
        "PENDING_BUT_PAID": (state == "pending") & ((pl.col("paid") > 0) | (pl.col("due") < tables.today)),
        "OVERDUE_BUT_NOT": (state == "overdue") & ~((owed > 1) & (pl.col("due") < tables.today)),
        "REFUNDED_BUT_NOT": (state == "refunded") & ~(pl.col("refunded") > 0),
        "VOID_BUT_NOT": (state == "void") & ~pl.col("void"),
    }
    return [Look("billing_records", frame, {("payment_status", reason): expr for reason, expr in wrong.items()})]


@checks("FIN-05")
def allocations(tables: Tables, settings) -> list[Look]:
    """No payment is given out beyond its amount, nor to another family."""
    families = tables("patients", "patient_id", "guarantor_id").select(
        "patient_id", family=pl.coalesce("guarantor_id", "patient_id")
    )
    payer = tables("payments", "payment_id", "patient_id", "payer_id", "amount").join(
        families, on="patient_id", how="left"
    )
    charged = tables("billing_records", "billing_id", "patient_id").join(families, on="patient_id", how="left")
    given = tables("payment_allocations", "payment_id", "billing_id", "amount").with_columns(given=cents("amount"))
    joined = given.join(
        payer.select("payment_id", "payer_id", pl.col("family").alias("payer_family")), on="payment_id", how="left",
        maintain_order="left",
    ).join(charged.select("billing_id", "family"), on="billing_id", how="left", maintain_order="left")  # fmt: skip
    elsewhere = (pl.col("payer_family") != pl.col("family")) & pl.col("payer_id").is_null()
    totals = given.group_by("payment_id").agg(pl.col("given").sum())
    payments = payer.select(KEY, "payment_id", total=cents("amount")).join(totals, on="payment_id", how="left")
    return [
        Look("payments", payments, {("amount", "OVER_ALLOCATED"): pl.col("given") > pl.col("total") + 1}),
        Look("payment_allocations", joined, {("billing_id", "OTHER_FAMILY"): elsewhere}),
    ]


@checks("FIN-06")
def money_dates(tables: Tables, settings) -> list[Look]:
    """Dates of money that have been, and not before the clinic had computers."""
    earliest = pl.date(settings["earliest_year"], 1, 1)
    columns = {"billing_records": ["service_date", "posted_date"], "payments": ["payment_date", "posted_date"]}
    looks = []
    for table, listed in columns.items():
        fails = {}
        for column in listed:
            fails[column, "FUTURE"] = day(column) > tables.today
            fails[column, "TOO_OLD"] = day(column) < earliest
        fails[listed[0], "NO_DATE"] = day(listed[0]).is_null()
        looks.append(Look(table, tables(table, *listed), fails))
    given = tables("payment_allocations", "payment_id", "billing_id")
    paid = tables("payments", "payment_id", "payment_date").select("payment_id", day("payment_date").alias("paid"))
    served = tables("billing_records", "billing_id", "service_date").select(
        "billing_id", day("service_date").alias("served")
    )
    given = given.join(paid, on="payment_id", how="left").join(served, on="billing_id", how="left")
    early = pl.col("paid") < pl.col("served").dt.offset_by(f"-{settings['prepaid_days']}d")
    return [*looks, Look("payment_allocations", given, {("payment_id", "PREPAID"): early})]


@checks("FIN-14")
def charged_twice(tables: Tables, settings) -> list[Look]:
    """The same service to the same patient for the same amount within a day, neither void."""
    frame = tables(
        "billing_records", "billing_id", "patient_id", "provider_id", "service_date", "service_type", "service_amount",
        "procedure_code", "is_void",
    ).filter(~yes("is_void").fill_null(False))  # fmt: skip
    frame = frame.with_columns(
        day=day("service_date"),
        kind=word("service_type"),
        amount=cents("service_amount"),
        number=pl.col("billing_id").cast(pl.Int64, strict=False),
    )
    group = ["patient_id", "provider_id", "kind", "amount", "procedure_code"]
    days = pl.col("day").diff().over(group, order_by=["day", "number"]).dt.total_days()
    return [Look("billing_records", frame, {("billing_id", "CHARGED_TWICE"): (days <= 1) & (pl.col("amount") > 0)})]
