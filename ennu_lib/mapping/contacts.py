"""Build the Contact records: one per surviving patient, from the golden record and what other tables contribute."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from ennu_lib.keys import Keys
from ennu_lib.mapping import rules
from ennu_lib.mapping.engine import ACCOUNT, BAD, KEY, PATIENTS, REASON, external_id
from ennu_lib.mapping.spec import Addition, Mapping, Summary

ID = "golden_id"
PATIENT = "__patient"


def contact_records(
    base: pl.LazyFrame,
    contributions: Iterable[tuple[Mapping, pl.LazyFrame]],
    members: pl.LazyFrame,
    keys: Keys,
    calculated: pl.LazyFrame | None = None,
    guarantors: pl.LazyFrame | None = None,
) -> pl.LazyFrame:
    """Contacts with their external id and all contributed properties.

    `base` are the mapped rows of the golden records; `contributions` the mapped rows of the tables that add to
    Contact; `members` has `patient_id` and `golden_id` for every patient; `calculated` the properties that are made
    out of several tables, by `golden_id`; `guarantors` has `golden_id` and `guarantor`, who answers for him.
    """
    contacts = base.filter(pl.col(ACCOUNT) == "loaded").select(
        pl.col(KEY).alias(ID), pl.exclude(KEY, ACCOUNT, REASON, r"^__.*$")
    )
    for mapping, rows in contributions:
        if mapping.fields:
            contacts = contacts.join(newest_rows(mapping, rows), on=ID, how="left", maintain_order="left")
        for summary in mapping.summaries:
            contacts = contacts.join(summarized(summary, rows, ID), on=ID, how="left", maintain_order="left")
    if calculated is not None:
        contacts = contacts.join(calculated, on=ID, how="left", maintain_order="left")
    contacts = contacts.join(_aliases(members), on=ID, how="left", maintain_order="left")
    contacts = contacts.with_columns(external_id(PATIENTS, pl.col(ID), keys).alias("ennu_external_id"))
    return one_owner_per_mailbox(contacts, guarantors).sort(ID)


def guarantors_of(patients: pl.LazyFrame, crosswalk: pl.LazyFrame) -> pl.LazyFrame | None:
    """Who answers for whom, both as survivors: `golden_id` and `guarantor`. None where the patients do not say so."""
    if "guarantor_id" not in patients.collect_schema():
        return None
    golden = crosswalk.select(pl.col("patient_id").cast(pl.String), pl.col("golden_id").cast(pl.String))
    given = patients.select(pl.col("patient_id", "guarantor_id").cast(pl.String)).drop_nulls()
    given = given.join(golden, on="patient_id", how="inner")
    named = golden.select(guarantor_id="patient_id", guarantor="golden_id")
    given = given.join(named, on="guarantor_id", how="inner").select("golden_id", "guarantor")
    return given.filter(pl.col("golden_id") != pl.col("guarantor")).unique()


def one_owner_per_mailbox(contacts: pl.LazyFrame, guarantors: pl.LazyFrame | None = None) -> pl.LazyFrame:
    """Leave a shared e-mail address with one Contact: HubSpot makes it unique in the account (rule PAT-09).

    It stays with the guarantor of another who gives it, else with a member in good standing, else with the oldest
    patient id; the others lose it.
    """
    names = contacts.collect_schema().names()
    if "email" not in names:
        return contacts
    standing = pl.col("membership_status") == "active" if "membership_status" in names else pl.lit(False)
    claims = contacts.filter(pl.col("email").is_not_null()).select(
        ID,
        pl.col("email").alias("kept"),
        pl.col("email").str.to_lowercase().alias("mailbox"),
        standing.fill_null(False).alias("standing"),
        pl.col(ID).cast(pl.Int64, strict=False).alias("age"),
    )
    answers = _who_answers(claims, guarantors) if guarantors is not None else claims.with_columns(answers=pl.lit(False))
    owners = answers.sort("answers", "standing", "age", ID, descending=[True, True, False, False]).unique(
        "mailbox", keep="first", maintain_order=True
    )
    contacts = contacts.join(owners.select(ID, "kept"), on=ID, how="left", maintain_order="left")
    return contacts.with_columns(pl.col("kept").alias("email")).drop("kept")


def _who_answers(claims: pl.LazyFrame, guarantors: pl.LazyFrame) -> pl.LazyFrame:
    """The claims with `answers`: whether it is the guarantor's of another one with the same mailbox."""
    dependents = claims.select(ID, "mailbox").join(guarantors.rename({"golden_id": ID}), on=ID, how="inner")
    answering = dependents.select(pl.col("guarantor").alias(ID), "mailbox").unique()
    found = claims.join(answering.with_columns(answers=pl.lit(True)), on=[ID, "mailbox"], how="left")
    return found.with_columns(pl.col("answers").fill_null(False))


def with_additions(records: pl.LazyFrame, added: Addition, rows: pl.LazyFrame) -> pl.LazyFrame:
    """`records`, which still have their `__key`, with what the mapped `rows` of another table add to them."""
    newest = _newest(rows, added.key).select(
        pl.col(added.key).alias(KEY), *(pl.col(added.holding(f.target)).alias(f.target) for f in added.fields)
    )
    records = records.join(newest, on=KEY, how="left", maintain_order="left")
    for summary in added.summaries:
        made = summarized(summary, rows, KEY, added.key)
        records = records.join(made, on=KEY, how="left", maintain_order="left")
    return records


def newest_rows(mapping: Mapping, rows: pl.LazyFrame) -> pl.LazyFrame:
    """One row per patient with the properties of the newest accepted row; the key breaks ties."""
    return _newest(rows).select(pl.col(PATIENT).alias(ID), *(f.target for f in mapping.fields))


def newest_keys(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The keys of the rows that `newest_rows` chooses."""
    return _newest(rows).select(KEY)


def summarized(summary: Summary, rows: pl.LazyFrame, name: str, of: str = PATIENT) -> pl.LazyFrame:
    """One value per patient (or other column `of`, called `name` then), over all accepted rows that `where` admits."""
    frame = _accepted(rows, of)
    for column, values in summary.where.items():
        frame = frame.filter(pl.col(f"__sum:{column}").str.to_lowercase().is_in([v.lower() for v in values]))
    value = pl.col(summary.input)
    if summary.compute == "lines":
        frame = frame.sort("__newest", KEY, descending=True, nulls_last=True)
        computed = value.drop_nulls().head(summary.newest or 20).str.join("\n").str.slice(0, 65_536)
        computed = pl.when(computed != "").then(computed)
    elif summary.compute == "earliest":
        computed = rules.SIMPLE["date"](value).min()
    elif summary.compute == "highest":
        ranks = {option: rank for rank, option in enumerate(summary.order)}
        rank = value.replace_strict(ranks, default=None, return_dtype=pl.Int64).max()
        computed = rank.replace_strict(list(ranks.values()), list(ranks), default=None, return_dtype=pl.String)
    elif summary.compute == "count":
        computed = value.count().cast(pl.String)
    else:
        amount = value.cast(pl.Decimal(38, 6), strict=False)
        total = amount.sum() if summary.compute == "sum" else amount.mean()
        computed = _plain(total.round(summary.decimals), summary.decimals)
    return frame.group_by(pl.col(of).alias(name)).agg(computed.alias(summary.target))


def unconverted(rows: pl.LazyFrame) -> pl.DataFrame:
    """How many source values of each property no rule could convert, out of how many: `property`, `values`, `given`."""
    marks = [name for name in rows.collect_schema().names() if name.startswith(BAD)]
    if not marks:
        return pl.DataFrame(schema={"property": pl.String, "values": pl.Int64, "given": pl.Int64})
    names = [name.removeprefix(BAD) for name in marks]
    shown = [name.removeprefix("__add:") for name in names]
    accepted = rows.filter(pl.col(ACCOUNT).is_in(["loaded", "derived"]))
    counts = accepted.select(pl.col(marks).sum(), pl.col(names).count()).collect(engine="streaming").row(0)
    bad, converted = counts[: len(names)], counts[len(names) :]
    given = [b + c for b, c in zip(bad, converted, strict=True)]
    return pl.DataFrame(
        {"property": shown, "values": bad, "given": given},
        schema={"property": pl.String, "values": pl.Int64, "given": pl.Int64},
    )


def _newest(rows: pl.LazyFrame, of: str = PATIENT) -> pl.LazyFrame:
    chosen = _accepted(rows, of).sort("__newest", KEY, descending=True, nulls_last=True)
    return chosen.unique(of, keep="first", maintain_order=True)


def _accepted(rows: pl.LazyFrame, of: str = PATIENT) -> pl.LazyFrame:
    return rows.filter((pl.col(ACCOUNT) == "derived") & pl.col(of).is_not_null())


def _plain(value: pl.Expr, decimals: int) -> pl.Expr:
    """A number as HubSpot takes it: no exponent, no trailing zeros."""
    text = value.cast(pl.Decimal(38, decimals)).cast(pl.String)
    return text.str.replace(r"(\.\d*?)0+$", "$1").str.replace(r"\.$", "")


def _aliases(members: pl.LazyFrame) -> pl.LazyFrame:
    """The legacy ids of merged duplicates, in order, as `P-1;P-2`."""
    others = members.filter(pl.col("patient_id") != pl.col(ID)).sort(
        ID, pl.col("patient_id").cast(pl.Int64, strict=False)
    )
    alias = pl.format("P-{}", "patient_id").str.join(";").alias("legacy_patient_id_aliases")
    return others.group_by(ID).agg(alias)
