"""What may never be sent, looked for in what phase 04 made ready to send, and in what the run left (GAT-01 to GAT-08).

The rule of the source names the rows and acts on them; its gate here proves that nothing of them is in the payload, in
the portal, or in what was written.
"""

from __future__ import annotations

import polars as pl

from ennu_lib.rules.checks.contact import consents, is_american, is_mailbox
from ennu_lib.rules.checks.revenue import holds_account, holds_card
from ennu_lib.rules.checks.texts import named_and_written, of_the_portal
from ennu_lib.rules.parsing import filled
from ennu_lib.rules.registry import Look, checks
from ennu_lib.rules.tables import KEY, NotHere, Tables

SENT = ("loaded", "derived")


@checks("GAT-01")
def no_marketing(tables: Tables, settings) -> list[Look]:
    """No Contact is subscribed to marketing without a dated consent, or against an opt-out, a bounce or a death."""
    contacts = tables.file("targets/contacts")
    names = contacts.collect_schema().names()
    subscribed = [filled(name) for name in settings["properties"] if name in names]
    golden = pl.col("legacy_patient_id").str.replace("^P-", "")
    frame = contacts.with_columns(golden_id=golden, wants=pl.any_horizontal(pl.lit(False), *subscribed))
    members = tables.file("identity/members", "patient_id", "golden_id")
    for mark, patients in consents(tables, settings).items():
        people = members.join(patients, on="patient_id", how="semi").select("golden_id").unique()
        frame = frame.join(people.with_columns(pl.lit(True).alias(mark)), on="golden_id", how="left")
    refused = pl.any_horizontal(pl.col("__out", "__bounced", "__dead").fill_null(False))
    frame = frame.with_columns(pl.col("golden_id").alias(KEY))
    fails = {
        ("legacy_patient_id", "NO_DATED_CONSENT"): pl.col("wants") & pl.col("__dated").is_null(),
        ("legacy_patient_id", "REFUSED"): pl.col("wants") & refused,
    }
    return [Look("contacts", frame, fails)]


@checks("GAT-02")
def nothing_protected(tables: Tables, settings) -> list[Look]:
    """No row that CLN-20 names has an account that is sent."""
    named = tables.file("clean/issues", "rule", "table", "key").filter(pl.col("rule") == settings["rule"])
    looks = []
    for name in settings["tables"]:
        mine = named.filter(pl.col("table") == name).select(pl.col("key").alias(KEY)).unique()
        looks += _not_sent(tables, name, mine, "PROTECTED_AND_SENT")
    return looks


@checks("GAT-03")
def no_bank_data(tables: Tables, settings) -> list[Look]:
    """No property of any record holds a card number, or a routing number beside an account number."""
    looks = []
    for name in settings["objects"]:
        try:
            frame = tables.file(f"targets/{name}")
        except NotHere:
            continue
        columns = [c for c in frame.collect_schema().names() if not c.startswith("ennu_")]
        fails = {(c, "CARD_NUMBER"): holds_card(c) for c in columns}
        fails |= {(c, "BANK_ACCOUNT"): holds_account(c) for c in columns}
        looks.append(Look(name, frame.with_columns(pl.col("ennu_external_id").alias(KEY)), fails))
    return looks


@checks("GAT-04")
def keys_once(tables: Tables, settings) -> list[Look]:
    """No value by which the portal tells records apart is sent twice: external ids, numbers of records, mailboxes."""
    looks = []
    for name, columns in settings["keys"].items():
        try:
            frame = tables.file(f"targets/{name}")
        except NotHere:
            continue
        there = [c for c in columns if c in frame.collect_schema().names()]
        frame = frame.with_columns(pl.col("source_pk").alias(KEY), pl.col(there).str.strip_chars().str.to_lowercase())
        fails = {(c, "TWICE"): pl.col(c).is_not_null() & (pl.len().over(c) > 1) for c in there}
        looks.append(Look(name, frame, fails))
    return looks


@checks("GAT-05")
def deleted_stays_deleted(tables: Tables, settings) -> list[Look]:
    """No row that the log of deletions names has an account that is sent."""
    log = tables("deleted_records", "table", "key")
    names = log.select(pl.col("table").unique()).collect()["table"].drop_nulls().sort().to_list()
    looks = []
    for name in names:
        gone = log.filter(pl.col("table") == name).select(pl.col("key").alias(KEY)).drop_nulls().unique()
        looks += _not_sent(tables, name, gone, "DELETED_AND_SENT")
    return looks


@checks("GAT-06")
def reachable_or_blank(tables: Tables, settings) -> list[Look]:
    """Every mailbox and telephone number of a Contact is valid, or blank."""
    frame = tables.file("targets/contacts")
    names = frame.collect_schema().names()
    figures = {c: pl.col(c).str.replace(r"^\+1(\d{10})$", "$1") for c in settings["phones"] if c in names}
    fails = {("email", "NOT_VALID"): ~is_mailbox(pl.col("email"))} if "email" in names else {}
    for column, number in figures.items():
        abroad = pl.col(column).str.contains(r"^\+[2-9]\d{7,14}$")
        fails[column, "NOT_VALID"] = ~is_american(number) & ~abroad
    return [Look("contacts", frame.with_columns(pl.col("legacy_patient_id").alias(KEY)), fails)]


@checks("GAT-07")
def nothing_personal_at_the_end(tables: Tables, settings) -> list[Look]:
    """GEN-08 once more when all has been loaded: over the issues of all phases, and what 05 to 07 have written."""
    files = [name for name in settings["issues"] if tables.read(name) is not None]
    if not files:
        raise NotHere("The issues")
    return named_and_written(tables, files, *of_the_portal(tables))


@checks("GAT-08")
def once_in_the_portal(tables: Tables, settings) -> list[Look]:
    """Every external id has one record in the portal, and no record was given to two of them."""
    looks = []
    for name in settings["objects"]:
        try:
            frame = tables.file(f"load/ids.{name}", "external_id", "hubspot_id")
        except NotHere:
            continue
        frame = frame.with_columns(pl.col("external_id").alias(KEY))
        twice = {c: pl.col(c).is_not_null() & (pl.len().over(c) > 1) for c in ("external_id", "hubspot_id")}
        fails = {
            ("ennu_external_id", "TWO_RECORDS"): twice["external_id"],
            ("id", "RECORD_OF_TWO"): twice["hubspot_id"],
        }
        fails["id", "NO_RECORD"] = ~filled("hubspot_id")
        looks.append(Look(name, frame, fails))
    if not looks:
        raise NotHere("What was loaded")
    return looks


def _not_sent(tables: Tables, name: str, rows: pl.LazyFrame, reason: str) -> list[Look]:
    """Over `rows` (their keys) of a mapped table; a table without accounts is not sent at all."""
    try:
        accounts = tables.file(f"accounts/{name}", "key", "account")
    except NotHere:
        return []
    sent = accounts.filter(pl.col("account").is_in(SENT)).select(pl.col("key").alias(KEY), pl.lit(True).alias("sent"))
    return [Look(name, rows.join(sent.unique(KEY), on=KEY, how="left"), {(KEY, reason): pl.col("sent")})]
