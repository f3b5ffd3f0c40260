"""Insurance and what it has authorised (PAT-13, PAT-14), and claims (FIN-08)."""

from __future__ import annotations

import polars as pl

from ennu_lib.rules.parsing import cents, day, moment, says_nothing, word, yes
from ennu_lib.rules.registry import Look, checks
from ennu_lib.rules.tables import KEY, Tables

FOREVER = pl.date(9999, 12, 30)


@checks("PAT-13")
def policies(tables: Tables, settings) -> list[Look]:
    """A number of the usual form, a known payer, dates in order, a known relationship, one first policy a day."""
    payers = tables("insurance_companies", "payer_id").select("payer_id", pl.lit(True).alias("__payer"))
    frame = tables(
        "insurance_policies", "patient_id", "payer_id", "rank", "policy_number", "subscriber_relationship",
        "subscriber_name", "effective_from", "effective_to", "is_deleted",
    )  # fmt: skip
    frame = frame.join(payers.unique("payer_id"), on="payer_id", how="left", maintain_order="left").with_columns(
        starts=day("effective_from"), ends=day("effective_to"), deleted=yes("is_deleted").fill_null(False)
    )
    rank = pl.col("rank").str.strip_chars()
    live = ~pl.col("deleted") & pl.col("starts").is_not_null()
    first = (rank == "1") & live
    before = pl.when(first).then(pl.col("ends").fill_null(FOREVER))
    previous = before.cum_max().shift(1).over("patient_id", order_by=["starts", KEY])
    frame = frame.join(_covered(frame.filter(first), frame.filter((rank != "1") & live), tables), on=KEY, how="left")
    related = word("subscriber_relationship")
    fails = {
        ("policy_number", "NOT_A_POLICY_NUMBER"): ~pl.col("policy_number").str.contains(r"(?i)^[A-Z0-9 -]{3,30}$"),
        ("policy_number", "MISSING"): says_nothing("policy_number"),
        ("payer_id", "UNKNOWN_PAYER"): pl.col("__payer").is_null(),
        ("effective_to", "ENDS_BEFORE_START"): pl.col("ends") < pl.col("starts"),
        ("rank", "TWO_FIRST_POLICIES"): first & (pl.col("starts") <= previous),
        ("rank", "NO_FIRST_POLICY"): ~pl.col("covered"),
        ("subscriber_relationship", "UNKNOWN_RELATIONSHIP"): ~related.is_in(settings["relationships"]).fill_null(False),
        ("subscriber_name", "NO_SUBSCRIBER"): (related != "self").fill_null(True) & says_nothing("subscriber_name"),
    }
    return [Look("insurance_policies", frame, fails)]


def _covered(first: pl.LazyFrame, others: pl.LazyFrame, tables: Tables) -> pl.LazyFrame:
    """For other policies, whether a first one is there when they begin, and today where they are in force."""
    today = pl.lit(tables.today)
    until = pl.col("ends").fill_null(FOREVER)
    own = others.select(KEY, "patient_id", begins="starts", now=(pl.col("starts") <= today) & (until >= today))
    their = first.select("patient_id", since="starts", until=until)
    pairs = own.join(their, on="patient_id", how="left")
    at_first, at_last = (
        ((pl.col("since") <= day) & (pl.col("until") >= day)).fill_null(False).any()
        for day in (pl.col("begins"), today)
    )
    return pairs.group_by(KEY).agg(covered=at_first & (at_last | ~pl.col("now").first()))


@checks("PAT-14")
def authorisations(tables: Tables, settings) -> list[Look]:
    """Active policies were checked lately; an authorisation covers the day of its order."""
    checked = (
        tables("eligibility_checks", "policy_id", "checked_at")
        .group_by("policy_id")
        .agg(moment("checked_at").dt.date().max().alias("checked"))
    )
    policies = tables("insurance_policies", "policy_id", "effective_from", "effective_to", "is_deleted")
    active = (day("effective_from") <= tables.today) & (day("effective_to").fill_null(tables.today) >= tables.today)
    policies = policies.join(checked, on="policy_id", how="left", maintain_order="left").with_columns(
        active=active & ~yes("is_deleted").fill_null(False)
    )
    stale = pl.col("checked").is_null() | (
        pl.col("checked") < pl.lit(tables.today).dt.offset_by(f"-{settings['days']}d")
    )
    orders = tables("lab_orders", "order_id", "order_date", "order_status").select(
        "order_id", day("order_date").alias("ordered"), word("order_status").alias("order_state")
    )
    given = tables("prior_authorizations", "order_id", "status", "valid_from", "valid_to")
    given = given.join(orders, on="order_id", how="left", maintain_order="left")
    valid = word("status").is_in(settings["approved"])
    outside = (pl.col("ordered") < day("valid_from")) | (pl.col("ordered") > day("valid_to"))
    open_ = pl.col("order_state").is_in(settings["open_orders"])
    return [
        Look(
            "insurance_policies", policies, {("policy_id", "NOT_VERIFIED"): pl.col("active") & stale}, pl.col("active")
        ),
        Look(
            "prior_authorizations",
            given,
            {
                ("valid_from", "OUTSIDE_VALIDITY"): valid & outside,
                ("valid_to", "EXPIRED_ON_OPEN_ORDER"): valid & open_ & (day("valid_to") < tables.today),
            },
            valid,
        ),
    ]


@checks("FIN-08")
def claims(tables: Tables, settings) -> list[Look]:
    """A claim's total is that of its lines; paid within allowed within billed; its status matches its money."""
    lines = (
        tables("claim_lines", "claim_id", "billed_amount")
        .group_by("claim_id")
        .agg(cents("billed_amount").sum().alias("lines"))
    )
    remitted = _remitted(tables)
    frame = tables(
        "claims", "claim_id", "billed_amount", "allowed_amount", "paid_amount", "status", "denial_reason_code",
        "submitted_date",
    )  # fmt: skip
    for other in (lines, remitted):
        frame = frame.join(other, on="claim_id", how="left", maintain_order="left")
    frame = frame.with_columns(
        billed=cents("billed_amount"), allowed=cents("allowed_amount"), paid=cents("paid_amount"), state=word("status")
    )
    waiting = pl.lit(tables.today).dt.offset_by(f"-{settings['days_without_answer']}d")
    fails = {
        ("billed_amount", "NOT_SUM_OF_LINES"): (pl.col("billed") - pl.col("lines").fill_null(0)).abs() > 1,
        ("paid_amount", "PAID_OVER_ALLOWED"): pl.col("paid") > pl.col("allowed"),
        ("allowed_amount", "ALLOWED_OVER_BILLED"): pl.col("allowed") > pl.col("billed"),
        ("status", "PAID_WITHOUT_REMITTANCE"): (pl.col("state") == "paid") & ~(pl.col("remitted").fill_null(0) > 0),
        ("denial_reason_code", "DENIED_WITHOUT_REASON"): (pl.col("state") == "denied")
        & says_nothing("denial_reason_code"),
        ("submitted_date", "NO_ANSWER"): pl.col("state").is_in(settings["waiting"]) & (day("submitted_date") < waiting),
    }
    return [Look("claims", frame, fails), _of_charges(tables)]


def _of_charges(tables: Tables) -> Look:
    """What a charge says of its insurance claim is the status of its latest claim."""
    claims = tables("claims", "claim_id", "status", "submitted_date").select(
        "claim_id", latest=word("status"), sent=day("submitted_date")
    )
    lines = tables("claim_lines", "claim_id", "billing_id").select("claim_id", "billing_id").drop_nulls()
    last = lines.join(claims, on="claim_id", how="inner").sort("sent", "claim_id", nulls_last=False)
    last = last.group_by("billing_id").agg(pl.col("latest").last())
    frame = tables("billing_records", "billing_id", "insurance_claim").join(last, on="billing_id", how="inner")
    differs = word("insurance_claim").fill_null("") != pl.col("latest")
    return Look("billing_records", frame, {("insurance_claim", "NOT_THE_CLAIM"): differs})


def _remitted(tables: Tables) -> pl.LazyFrame:
    """What payers sent per claim, in cents."""
    lines = tables("claim_lines", "claim_line_id", "claim_id")
    sent = tables("remittance_lines", "claim_line_id", "paid_amount").with_columns(paid=cents("paid_amount"))
    return sent.join(lines, on="claim_line_id", how="inner").group_by("claim_id").agg(remitted=pl.col("paid").sum())
