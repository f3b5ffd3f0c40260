"""What was paid, counted three times in whole cents: in the source, in what phase 04 parted, and in the Contacts.

The source is counted here anew from its own rows, by the definition of docs/dataflow.md ("Money") and nothing of how
the mapping computes; `money/` holds the shares that the mapping made, those without a Contact with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from ennu_lib.config import params_dir
from ennu_lib.evidence import Phase
from ennu_lib.rules.definition import load_rules
from ennu_lib.rules.parsing import cents, cents_of, day, typed_day, word
from ennu_lib.rules.tables import KEY, Tables, workspace_tables

RULE = "FIN-07"
CONTACTS, ALL = "contacts", "all"
BY_MONTH = ["month", "kind"]
UNKNOWN = "unknown"
# An amount as people type it; a minus or brackets around it make it less than nothing.
TYPED = r"^[-\s$(USD]*([0-9][0-9,]*(?:\.[0-9]{0,4})?|\.[0-9]{1,4})[-\s)USD]*$"


@dataclass(frozen=True)
class ControlTotals:
    """Control totals of a run, in cents.

    `months` has per month and kind of payment: `source`, `staged`, `contacts` and `kept_back` (which add up to
    `staged`), `difference`, and `people`. `kinds` has per kind, with `all` last: `source`, `staged`, `contacts`, a
    column per reason for which shares were kept back, and `difference`; of `all`, `contacts` is the sum over
    Contact.total_revenue as it is to be loaded. `people` has the persons behind `contacts` and each of the reasons.
    """

    months: pl.DataFrame
    kinds: pl.DataFrame
    people: pl.DataFrame


def paid(tables: Tables, settings: Mapping[str, Any]) -> pl.LazyFrame:
    """Payments of the source that count: key, payment_id, month, kind and cents; a chargeback is below zero."""
    return tables.made("revenue_paid", lambda tables: _paid(tables, settings))


def _paid(tables: Tables, settings: Mapping[str, Any]) -> pl.LazyFrame:
    rows = tables("payments", "payment_id", "payment_date", "posted_date", "amount", "type", "status")
    amount, state = _money("amount"), word("status")
    takes_back = state.is_in(settings["chargeback"]) & (amount < 0)
    new_money = ~word("type").is_in(settings["no_new_money"]).fill_null(False)
    counts = (state.is_in(settings["posted"]) | takes_back) & new_money
    rows = rows.with_columns(on=pl.coalesce(_day("payment_date", tables), _day("posted_date", tables)), cents=amount)
    return rows.filter(counts.fill_null(False) & _by_now(tables) & (pl.col("cents") != 0)).select(
        KEY, "payment_id", _month(), word("type").fill_null(UNKNOWN).alias("kind"), "cents"
    )


def refunded(tables: Tables, settings: Mapping[str, Any]) -> pl.LazyFrame:
    """Refunds of the source that count, below zero: key, month, kind and cents.

    One of a payment that does not count is none; one of a payment that nobody knows is of unknown kind.
    """
    return tables.made("revenue_refunded", lambda tables: _refunded(tables, settings))


def _refunded(tables: Tables, settings: Mapping[str, Any]) -> pl.LazyFrame:
    known = tables("payments", "payment_id").select("payment_id", known=pl.lit(True)).unique("payment_id")
    counting = paid(tables, settings).select("payment_id", "kind").unique("payment_id")
    rows = tables("refunds", "payment_id", "refund_date", "amount")
    rows = rows.join(known, on="payment_id", how="left").join(counting, on="payment_id", how="left")
    rows = rows.with_columns(on=_day("refund_date", tables), cents=-_money("amount"))
    rows = rows.filter(_by_now(tables) & (pl.col("cents") != 0) & (pl.col("known").is_null() | _is("kind")))
    return rows.select(KEY, _month(), pl.col("kind").fill_null(UNKNOWN), "cents")


def staged(tables: Tables) -> dict[str, pl.LazyFrame]:
    """The shares of payments and of refunds: key, month, kind, person, why, cents."""
    columns = ("month", "kind", "person", "why", "cents")
    return {
        name: tables.file(f"money/{name}", *columns).with_columns(pl.col("cents").cast(pl.Int64, strict=False))
        for name in ("payments", "refunds")
    }


def by_month(tables: Tables, settings: Mapping[str, Any]) -> pl.LazyFrame:
    """Per month and kind: `source`, `staged`, `contacts`, `kept_back`, in cents, and `people`."""
    shares, here = pl.concat(staged(tables).values()), pl.col("why").is_null()
    parted = shares.group_by(BY_MONTH).agg(
        staged=pl.col("cents").sum(),
        contacts=pl.col("cents").filter(here).sum(),
        kept_back=pl.col("cents").filter(~here).sum(),
        people=_persons().n_unique().cast(pl.Int64),
    )
    whole = counted(tables, settings).group_by(BY_MONTH).agg(source=pl.col("cents").sum())
    both = whole.join(parted, on=BY_MONTH, how="full", coalesce=True)
    return both.with_columns(pl.exclude(BY_MONTH).fill_null(0)).select(
        *BY_MONTH, "source", "staged", "contacts", "kept_back", "people"
    )


def counted(tables: Tables, settings: Mapping[str, Any]) -> pl.LazyFrame:
    """All rows of the source that count: month, kind and cents."""
    columns = [*BY_MONTH, "cents"]
    return pl.concat([paid(tables, settings).select(columns), refunded(tables, settings).select(columns)])


def loaded(tables: Tables) -> pl.LazyFrame:
    """What every Contact is to be loaded with: its key `P-…`, `person` and `loaded`, in cents."""
    contacts = tables.file("targets/contacts", "legacy_patient_id", "total_revenue")
    return contacts.select(
        pl.col("legacy_patient_id").alias(KEY),
        person=pl.col("legacy_patient_id").str.strip_prefix("P-"),
        loaded=cents("total_revenue").fill_null(0),
    )


def read_control_totals(phase: Phase) -> ControlTotals:
    """The control totals of what phase 04 has written so far."""
    tables = workspace_tables(phase.workspace, phase.params.today, in_memory=True)
    return totals_of(tables, load_rules(params_dir() / "rules")[RULE].settings)


def totals_of(tables: Tables, settings: Mapping[str, Any]) -> ControlTotals:
    """The control totals of `tables`. Raises NotHere where mapping has not written its shares."""
    shares = pl.concat(staged(tables).values())
    whys = shares.group_by("kind", why=pl.col("why").fill_null(CONTACTS)).agg(
        cents=pl.col("cents").sum(), people=_persons().n_unique().cast(pl.Int64)
    )
    months, parts, sent = pl.collect_all(
        [by_month(tables, settings), whys, loaded(tables).select(pl.col("loaded").sum())], engine="streaming"
    )
    months = months.sort(BY_MONTH).with_columns(difference=pl.col("source") - pl.col("staged"))
    per_kind = months.group_by("kind").agg(pl.col("source", "staged").sum()).sort("kind")
    amounts, people = (_wide(per_kind["kind"], parts, values) for values in ("cents", "people"))
    kinds = per_kind.join(amounts, on="kind", how="left", maintain_order="left")
    every = kinds.select(pl.lit(ALL).alias("kind"), pl.exclude("kind").sum()).with_columns(
        contacts=pl.lit(sent.item() or 0, pl.Int64)
    )
    kinds = pl.concat([kinds, every], how="vertical_relaxed")
    reasons = [name for name in amounts.columns if name not in ("kind", CONTACTS)]
    apart = pl.col("source") - pl.sum_horizontal(CONTACTS, *reasons)
    return ControlTotals(months, kinds.with_columns(difference=apart), people)


def _wide(kinds: pl.Series, parts: pl.DataFrame, values: str) -> pl.DataFrame:
    """One row per kind, one column for the Contacts and each reason, in the order of their names."""
    wide = kinds.to_frame().join(
        parts.pivot("why", index="kind", values=values), on="kind", how="left", maintain_order="left"
    )
    if CONTACTS not in wide.columns:
        wide = wide.with_columns(pl.lit(0, pl.Int64).alias(CONTACTS))
    reasons = sorted(set(wide.columns) - {"kind", CONTACTS})
    return wide.select("kind", pl.col(CONTACTS, *reasons).fill_null(0))


def _persons() -> pl.Expr:
    return pl.coalesce("person", pl.format("row {}", KEY))


def _money(column: str) -> pl.Expr:
    """An amount of the source in cents, whichever way it was typed; what is no amount is nothing."""
    text = pl.col(column)
    typed = cents_of(text.str.extract(TYPED, 1).str.replace_all(",", "", literal=True))
    signed = pl.when(text.str.contains(r"[-(]")).then(-typed).otherwise(typed)
    return pl.coalesce(cents(column), signed).fill_null(0)


def _is(column: str) -> pl.Expr:
    return pl.col(column).is_not_null()


def _day(column: str, tables: Tables) -> pl.Expr:
    return pl.coalesce(day(column), typed_day(column, tables.today))


def _by_now(tables: Tables) -> pl.Expr:
    return pl.col("on").is_null() | (pl.col("on") <= tables.today)


def _month() -> pl.Expr:
    return pl.col("on").dt.strftime("%Y-%m").fill_null(UNKNOWN).alias("month")
