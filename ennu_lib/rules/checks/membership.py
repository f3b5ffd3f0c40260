"""Memberships: credits against their ledger, and their life cycle (FIN-11, FIN-12)."""

from __future__ import annotations

import polars as pl

from ennu_lib.rules.parsing import day, number, says_nothing, typed_day, word, yes
from ennu_lib.rules.registry import Look, checks
from ennu_lib.rules.tables import Tables


@checks("FIN-11")
def credits(tables: Tables, settings) -> list[Look]:
    """Credits are what was granted less what was used and what expired, and never below nothing."""
    entry = word("entry_type")
    amount = number("credits").abs()
    signed = (
        pl.when(entry.is_in(settings["adds"])).then(amount).when(entry.is_in(settings["takes"])).then(-amount)
        .otherwise(number("credits"))
    )  # fmt: skip
    ledger = (
        tables("25againpackagecredits", "member_id", "entry_type", "credits")
        .group_by("member_id")
        .agg(signed.sum().alias("ledger"))
    )
    frame = tables("25againmembers", "member_id", "package_credits").join(
        ledger, on="member_id", how="left", maintain_order="left"
    )
    fails = {
        ("package_credits", "NOT_LEDGER"): number("package_credits") != pl.col("ledger").fill_null(0),
        ("package_credits", "NEGATIVE"): number("package_credits") < 0,
    }
    return [Look("25againmembers", frame, fails, pl.col("package_credits").is_not_null())]


@checks("FIN-12")
def life_cycle(tables: Tables, settings) -> list[Look]:
    """Start before renewal; active ones renew or are charged, ended ones are not charged any more."""
    due = tables("recurring_charges", "patient_id", "next_charge_date", "stop_date")
    goes_on = (day("next_charge_date") >= tables.today) & (
        day("stop_date").is_null() | (day("stop_date") >= day("next_charge_date"))
    )
    due = due.filter(goes_on).select("patient_id", pl.lit(True).alias("__charged"))
    frame = tables(
        "25againmembers",
        "patient_id",
        "membership_type",
        "membership_status",
        "start_date",
        "renewal_date",
        "is_deleted",
    ).join(due.unique("patient_id"), on="patient_id", how="left", maintain_order="left")
    starts, renews = typed_day("start_date", tables.today), typed_day("renewal_date", tables.today)
    active, ended = word("membership_status") == "active", word("membership_status").is_in(settings["ended"])
    others = active.any().over("patient_id")
    fails = {
        ("renewal_date", "RENEWS_BEFORE_START"): renews < starts,
        ("renewal_date", "ACTIVE_NOT_RENEWED"): active & (renews < tables.today) & pl.col("__charged").is_null(),
        ("membership_status", "ENDED_BUT_CHARGED"): ended & pl.col("__charged") & ~others,
        ("membership_status", "UNKNOWN_STATUS"): ~word("membership_status")
        .is_in(settings["statuses"])
        .fill_null(False),
        ("membership_type", "MISSING"): says_nothing("membership_type"),
        ("membership_type", "UNKNOWN_LEVEL"): ~says_nothing("membership_type")
        & ~word("membership_type").is_in(settings["levels"]),
    }
    return [Look("25againmembers", frame.filter(~yes("is_deleted").fill_null(False)), fails)]
