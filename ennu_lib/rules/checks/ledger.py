"""Billing to the cent: amounts, lines, balances, status, allocations, dates, repeats (FIN-01 to FIN-06, FIN-14)."""

from __future__ import annotations

import datetime as dt

import polars as pl

from ennu_lib.rules.parsing import cents, day, number, says_nothing, word, yes
from ennu_lib.rules.registry import Look, checks
from ennu_lib.rules.tables import KEY, Tables

CENTS = r"^[+-]?\d{1,10}(\.\d{1,2}0*)?$"


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
    # Only what was paid on the charge can go back on it.
    refunded = tables("refunds", "payment_id", "billing_id", "amount").join(
        allocated, on=["payment_id", "billing_id"], how="semi"
    )
    for name, part in (("paid", allocated), ("adjusted", adjusted), ("refunded", refunded)):
        total = part.group_by("billing_id").agg(cents("amount").sum().alias(name))
        frame = frame.join(total, on="billing_id", how="left", maintain_order="left")
    frame = frame.with_columns(pl.col("paid", "adjusted", "refunded").fill_null(0))
    left = pl.col("amount") - pl.col("paid") - pl.col("adjusted") + pl.col("refunded")
    return frame.with_columns(open=left, net=pl.col("paid") - pl.col("refunded"))


@checks("FIN-01")
def amounts(tables: Tables, settings) -> list[Look]:
    """Amounts in cents of a size that the clinic charges, below zero only for what takes back, in US dollars."""
    frame = tables("billing_records", "service_amount", "transaction_type", "currency")
    paid = tables("payments", "amount", "status", "currency")
    takes_back = word("transaction_type").is_in(settings["takes_back"]).fill_null(False)
    reversed_ = (word("status") == "reversed").fill_null(False)
    return [
        Look("billing_records", frame, _amount("service_amount", takes_back, settings)),
        Look("payments", paid, _amount("amount", reversed_, settings)),
    ]


def _amount(column: str, takes_back: pl.Expr, settings) -> dict[tuple[str, str], pl.Expr]:
    value = number(column)
    return {
        (column, "NEGATIVE"): (value < 0) & ~takes_back,
        (column, "TOO_LARGE"): value.abs() > settings["most"],
        (column, "NOT_A_NUMBER"): ~says_nothing(column) & value.is_null(),
        (column, "NOT_CENTS"): value.is_not_null() & ~pl.col(column).str.strip_chars().str.contains(CENTS),
        (column, "NO_AMOUNT"): says_nothing(column),
        ("currency", "NOT_USD"): ~says_nothing("currency") & (word("currency") != "usd"),
        ("currency", "NO_CURRENCY"): says_nothing("currency"),
    }


@checks("FIN-02")
def header_equals_lines(tables: Tables, settings) -> list[Look]:
    """A charge is the sum of its lines, an invoice that of its items, to the cent and in whole numbers."""
    # Figures of two decimals each: their product counts hundredths of a cent.
    line = cents("qty") * cents("price") + 100 * (cents("tax").fill_null(0) - cents("discount").fill_null(0))
    lines = (
        tables("billing_line_items", "billing_id", "qty", "price", "discount", "tax")
        .group_by("billing_id")
        .agg(line.sum().alias("lines"))
    )
    charges = tables("billing_records", "billing_id", "service_amount").join(
        lines, on="billing_id", how="left", maintain_order="left"
    )
    items = (
        tables("invoice_items", "invoice_id", "amount").group_by("invoice_id").agg(cents("amount").sum().alias("items"))
    )
    invoices = tables("invoices", "invoice_id", "total").join(items, on="invoice_id", how="left", maintain_order="left")
    off_lines = ((100 * cents("service_amount") - pl.col("lines")).abs() > 100).fill_null(True)
    off_items = ((cents("total") - pl.col("items")).abs() > 1).fill_null(True)
    has_lines, has_items = pl.col("lines").is_not_null(), pl.col("items").is_not_null()
    return [
        Look("billing_records", charges, {("service_amount", "NOT_SUM_OF_LINES"): has_lines & off_lines}, has_lines),
        Look("invoices", invoices, {("total", "NOT_SUM_OF_ITEMS"): has_items & off_items}, has_items),
    ]


@checks("FIN-03")
def outstanding(tables: Tables, settings) -> list[Look]:
    """What is open is the amount less payments and adjustments plus refunds: per charge to the cent, per patient less
    the patient's credit to five cents, and over all receivables within a share of them."""
    frame = accounts(tables).with_columns(owed=pl.when("void").then(0).otherwise("open"))
    per_patient = frame.group_by("patient_id").agg(owed=pl.col("owed").sum())
    balances = tables("patient_balances", "patient_id", "current_balance")
    for part in (per_patient, _credit(tables)):
        balances = balances.join(part, on="patient_id", how="left", maintain_order="left")
    left = pl.col("owed").fill_null(0) - pl.col("credit").fill_null(0)
    by_patient = (cents("current_balance").fill_null(0) - left).abs()
    # A blank balance is a balance of nothing.
    by_charge = (pl.col("stored").fill_null(0) - pl.col("owed")).abs()
    whole = frame.select(pl.lit("all receivables").alias(KEY), pl.col("stored", "owed").sum())
    total = (pl.col("stored") - pl.col("owed")).abs() > settings["of_receivables"] * pl.col("owed").abs()
    return [
        Look("billing_records", frame, {("outstanding_balance", "NOT_RECOMPUTED"): by_charge > 1}),
        Look("patient_balances", balances, {("current_balance", "NOT_SUM_OF_CHARGES"): by_patient > 5}),
        Look("billing_records", whole, {("outstanding_balance", "TOTAL_DIFFERS"): total}),
    ]


def _credit(tables: Tables) -> pl.LazyFrame:
    """What each patient paid on no charge and was not given back, in cents."""
    paid = tables("payments", "payment_id", "patient_id", "amount", "status").filter(word("status") == "posted")
    given = tables("payment_allocations", "payment_id", "billing_id", "amount")
    back = tables("refunds", "payment_id", "billing_id", "amount").join(
        given, on=["payment_id", "billing_id"], how="anti"
    )
    paid = paid.with_columns(credit=cents("amount").fill_null(0))
    for part in (given, back):
        total = part.group_by("payment_id").agg(cents("amount").sum().alias("gone"))
        paid = paid.join(total, on="payment_id", how="left")
        paid = paid.with_columns(credit=pl.col("credit") - pl.col("gone").fill_null(0)).drop("gone")
    return paid.group_by("patient_id").agg(pl.col("credit").sum())


@checks("FIN-04")
def status(tables: Tables, settings) -> list[Look]:
    """The status says what the money says; what was paid is net of what went back."""
    wrong = {("payment_status", reason): expr for reason, expr in _untrue(tables.today).items()}
    return [Look("billing_records", accounts(tables), wrong)]


def _untrue(today: dt.date) -> dict[str, pl.Expr]:
    state, owed, net = pl.col("state"), pl.col("open"), pl.col("net")
    past = (pl.col("due") < today).fill_null(False)
    return {
        "PAID_BUT_OPEN": (state == "paid") & (owed > 1),
        "PARTIAL_BUT_NOT": (state == "partial") & ~((net > 0) & (net < pl.col("amount"))),
        "PENDING_BUT_PAID": (state == "pending") & ((net > 0) | past),
        "OVERDUE_BUT_NOT": (state == "overdue") & ~((owed > 1) & past),
        "REFUNDED_BUT_NOT": (state == "refunded") & ~_given_back(),
        "WRITTEN_OFF_BUT_OPEN": (state == "written_off") & (owed > 1),
        "VOID_BUT_NOT": (state == "void") & ~pl.col("void").fill_null(False),
        "NOT_VOID_BUT_IS": (state != "void") & pl.col("void"),
        "NO_STATUS": state.is_null() | (state == ""),
    }


def _given_back() -> pl.Expr:
    return (pl.col("paid") > 0) & (pl.col("refunded") >= pl.col("paid"))


def true_status(tables: Tables) -> pl.LazyFrame:
    """For charges whose status is not true, by FIN-04, what the money says instead: `__key` and `status`."""
    frame = accounts(tables).filter(pl.any_horizontal(e.fill_null(False) for e in _untrue(tables.today).values()))
    says = (
        pl.when(pl.col("void").fill_null(False)).then(pl.lit("void"))
        .when(_given_back()).then(pl.lit("refunded"))
        .when(pl.col("open") <= 1).then(pl.lit("paid"))
        .when(pl.col("net") > 0).then(pl.lit("partial"))
        .when((pl.col("due") < tables.today).fill_null(False)).then(pl.lit("overdue"))
        .otherwise(pl.lit("pending"))
    )  # fmt: skip
    return frame.filter(pl.col("open").is_not_null() | pl.col("void")).select(KEY, status=says)


@checks("FIN-05")
def allocations(tables: Tables, settings) -> list[Look]:
    """No payment is given out beyond its amount, nor to another family; the rest of it is the patient's credit."""
    families = tables("patients", "patient_id", "guarantor_id").select(
        "patient_id", family=pl.coalesce("guarantor_id", "patient_id")
    )
    payer = tables(
        "payments", "payment_id", "patient_id", "payer_id", "amount", "unallocated_amount", "status"
    ).with_columns(posted=word("status") == "posted", kept=cents("unallocated_amount"))
    payer = payer.join(families, on="patient_id", how="left")
    charged = tables("billing_records", "billing_id", "patient_id").join(families, on="patient_id", how="left")
    given = tables("payment_allocations", "payment_id", "billing_id", "amount").with_columns(given=cents("amount"))
    joined = given.join(
        payer.select("payment_id", "payer_id", pl.col("family").alias("payer_family")), on="payment_id", how="left",
        maintain_order="left",
    ).join(charged.select("billing_id", "family"), on="billing_id", how="left", maintain_order="left")  # fmt: skip
    elsewhere = (pl.col("payer_family") != pl.col("family")) & pl.col("payer_id").is_null()
    totals = given.group_by("payment_id").agg(pl.col("given").sum())
    payments = payer.select(KEY, "payment_id", "posted", "kept", total=cents("amount"))
    payments = payments.join(totals, on="payment_id", how="left").with_columns(pl.col("given").fill_null(0))
    rest = pl.col("posted") & ((pl.col("total") - pl.col("given") - pl.col("kept").fill_null(0)).abs() > 1)
    return [
        Look(
            "payments",
            payments,
            {
                ("amount", "OVER_ALLOCATED"): pl.col("given") > pl.col("total") + 1,
                ("unallocated_amount", "NOT_THE_REST"): rest,
            },
        ),
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
            fails[column, "NO_DATE"] = day(column).is_null()
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
        "is_void", "transaction_type", "payment_status",
    )  # fmt: skip
    void = yes("is_void") | (word("transaction_type") == "void") | (word("payment_status") == "void")
    frame = frame.filter(~void.fill_null(False))
    frame = frame.with_columns(
        day=day("service_date"),
        kind=word("service_type"),
        amount=cents("service_amount"),
        number=pl.col("billing_id").cast(pl.Int64, strict=False),
    )
    group = ["patient_id", "provider_id", "kind", "amount"]
    days = pl.col("day").diff().over(group, order_by=["day", "number"]).dt.total_days()
    return [Look("billing_records", frame, {("billing_id", "CHARGED_TWICE"): (days <= 1) & (pl.col("amount") > 0)})]
