"""Calculations over the clinic's money, in whole cents: whose each payment is, and what that comes to per Contact.

C04 lifetime value, C06 membership lifetime value, C13 outstanding balance, C14 total revenue and C15 average
transaction, as docs/dataflow.md says under "Money" and "Whose money". Every payment and refund that counts is parted
into shares, which add up to it; a share without a Contact says why. Nothing is lost between the source and the sums.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from ennu_lib.mapping import rules
from ennu_lib.mapping.engine import ACCOUNT, KEY, REASON, Sources, as_text
from ennu_lib.rules.parsing import cents, day, word

ID = "golden_id"
PATIENT = "__patient"
# The properties and the calculation that makes each.
MAKES = {
    "lifetime_value": "C04",
    "membership_lifetime_value": "C06",
    "outstanding_balance": "C13",
    "total_revenue": "C14",
    "average_transaction": "C15",
}
# A share: row of `payments` or `refunds`, month in which the money moved, kind of its payment, whose it is, why that
# person's Contact does not get it (null where it does), whether it paid for a membership, and the cents.
SHARE = (KEY, "month", "kind", "person", "why", "membership", "cents")
CHARGEBACK = "reversed"
MEMBERSHIP = "membership"
NO_DAY = "unknown"
NO_PATIENT, EXCLUDED, UNKNOWN_PAYMENT = "NO_PATIENT", "PATIENT_EXCLUDED", "UNKNOWN_PAYMENT"


@dataclass(frozen=True)
class Ledger:
    """Payments, refunds and charges of a run. `mapped` gives the mapped rows of a table: its accounts and patients."""

    sources: Sources
    mapped: Callable[[str], pl.LazyFrame]

    def payment_shares(self) -> pl.LazyFrame:
        """The shares of every payment that counts; columns of SHARE.

        What is allocated to a posted charge is its patient's, the rest the payer's. A payment in quarantine is not
        parted: nobody can say whose it is.
        """
        paid = self._paid().filter(pl.col("cents") != 0)
        given = paid.filter(~pl.col("held")).join(self._allocated(), on="payment_id", how="inner")
        rest = given.group_by(KEY).agg(pl.col("given").sum())
        rest = paid.join(rest, on=KEY, how="left").with_columns(
            cents=pl.col("cents") - pl.col("given").fill_null(0), membership=pl.col("kind") == MEMBERSHIP
        )
        parts = given.with_columns(cents="given", **_of_charge())
        return pl.concat([part.filter(pl.col("cents") != 0).select(SHARE) for part in (parts, rest)])

    def refund_shares(self) -> pl.LazyFrame:
        """The shares of every refund of a payment that counts, below zero; columns of SHARE."""
        rows = as_text(self.sources.table("refunds")).select(
            KEY, "payment_id", "billing_id", back=-cents("amount").fill_null(0), on=day("refund_date")
        )
        paid = self._paid().select("payment_id", "kind", "person", "why", "held", pl.col("cents").alias("paid"))
        rows = rows.filter(self._by_now("on")).join(_one(paid, "payment_id"), on="payment_id", how="left")
        rows = rows.filter(pl.col("paid").is_null() | (pl.col("paid") != 0))
        rows = rows.join(self._charges(), on="billing_id", how="left").join(self._held("refunds"), on=KEY, how="left")
        unknown, held = pl.col("paid").is_null(), pl.col("held").fill_null(False)
        to_charge = pl.col("owner").is_not_null() & ~unknown & ~held & pl.col("rule").is_null()
        of_charge = _of_charge()
        why = pl.when(unknown).then(pl.lit(UNKNOWN_PAYMENT)).otherwise("why")
        return rows.select(
            KEY,
            _month("on"),
            pl.col("kind").fill_null("unknown"),
            pl.when(to_charge).then(of_charge["person"]).otherwise("person").alias("person"),
            pl.coalesce("rule", pl.when(to_charge).then(of_charge["why"]).otherwise(why)).alias("why"),
            pl.when(to_charge).then("of_membership").otherwise(pl.col("kind") == MEMBERSHIP).fill_null(False)
            .alias("membership"),
            pl.col("back").alias("cents"),
        ).filter(pl.col("cents") != 0)  # fmt: skip

    def per_contact(self, shares: pl.LazyFrame) -> pl.LazyFrame:
        """The properties of MAKES by Contact, from `shares`; null where there is nothing to add up."""
        of_membership = pl.col("cents").filter(pl.col("membership"))
        revenue = (
            shares.filter(pl.col("why").is_null())
            .group_by(pl.col("person").alias(ID))
            .agg(
                total=pl.col("cents").sum(),
                fees=pl.when(pl.col("membership").any()).then(of_membership.sum()),
            )
        )
        loaded = self._charges().filter(pl.col("owner_loaded"))
        billed = pl.col("amount").filter(pl.col("amount") > 0)
        charged = (
            loaded.join(self._adjusted(), on="billing_id", how="left")
            .group_by(pl.col("owner").alias(ID))
            .agg(
                owed=(pl.col("amount") - pl.col("adjusted").fill_null(0)).sum(),
                billed=billed.sum(),
                charges=billed.len().cast(pl.Int64),
            )
        )
        both = revenue.join(charged, on=ID, how="full", coalesce=True)
        average = (2 * pl.col("billed") + pl.col("charges")) // (2 * pl.col("charges"))  # half a cent up
        return both.select(
            ID,
            dollars(pl.col("total")).alias("total_revenue"),
            dollars(pl.col("total")).alias("lifetime_value"),
            dollars(pl.col("fees")).alias("membership_lifetime_value"),
            dollars(pl.col("owed").fill_null(0) - pl.col("total").fill_null(0)).alias("outstanding_balance"),
            dollars(pl.when(pl.col("charges") > 0).then(average)).alias("average_transaction"),
        )

    def _paid(self) -> pl.LazyFrame:
        """Every payment with the cents it brought by the day of the extract: none where it does not count.

        `person` is the payer, `why` the reason for which a Contact does not get what is the payer's.
        """
        rows = as_text(self.sources.table("payments")).select(
            KEY,
            "payment_id",
            kind=word("type").fill_null("unknown"),
            on=pl.coalesce(day("payment_date"), day("posted_date")),
            amount=cents("amount").fill_null(0),
            state=word("status"),
        )
        rows = rows.join(self.mapped("payments").select(KEY, ACCOUNT, REASON, PATIENT), on=KEY, how="inner")
        counts = self._by_now("on") & pl.col(ACCOUNT).is_in(["derived", "excluded", "quarantined"])
        counts &= (pl.col("state") != CHARGEBACK) | (pl.col("amount") < 0)
        nobody = pl.when(pl.col(PATIENT).is_null()).then(pl.lit(NO_PATIENT))
        return rows.select(
            KEY,
            "payment_id",
            _month("on"),
            "kind",
            pl.when(counts).then("amount").otherwise(0).alias("cents"),
            pl.col(PATIENT).alias("person"),
            pl.when(pl.col(ACCOUNT) == "derived").then(nobody).otherwise(REASON).alias("why"),
            (pl.col(ACCOUNT) == "quarantined").alias("held"),
        )

    def _charges(self) -> pl.LazyFrame:
        """Posted charges of somebody: not void, not in quarantine. `owner` is the survivor, loaded or not."""
        rows = as_text(self.sources.table("billing_records")).select(
            KEY,
            "billing_id",
            amount=cents("service_amount").fill_null(0),
            service=rules.code(pl.col("service_type"), dict(self.sources.codes["service_category"])),
        )
        accounts = self.mapped("billing_records").select(KEY, ACCOUNT, PATIENT)
        rows = rows.join(accounts, on=KEY, how="inner")
        rows = rows.filter(pl.col(ACCOUNT).is_in(["derived", "excluded"]) & pl.col(PATIENT).is_not_null())
        fees = as_text(self.sources.table("25againmemberbilling")).select("billing_id", fee=pl.lit(True))
        rows = _one(rows, "billing_id").join(_one(fees, "billing_id"), on="billing_id", how="left")
        of_membership = (pl.col("service") == MEMBERSHIP).fill_null(False) | pl.col("fee").fill_null(False)
        return rows.select(
            "billing_id",
            "amount",
            pl.col(PATIENT).alias("owner"),
            (pl.col(ACCOUNT) == "derived").alias("owner_loaded"),
            of_membership.alias("of_membership"),
        )

    def _allocated(self) -> pl.LazyFrame:
        """What each payment gives to each posted charge."""
        rows = as_text(self.sources.table("payment_allocations")).select(
            KEY, "payment_id", "billing_id", given=cents("amount").fill_null(0)
        )
        rows = rows.join(self._held("payment_allocations"), on=KEY, how="anti")
        rows = rows.group_by("payment_id", "billing_id").agg(pl.col("given").sum())
        return rows.join(self._charges().drop("amount"), on="billing_id", how="inner")

    def _adjusted(self) -> pl.LazyFrame:
        """What was taken off each charge."""
        rows = as_text(self.sources.table("adjustments")).select(KEY, "billing_id", adjusted=cents("amount"))
        rows = rows.join(self._held("adjustments"), on=KEY, how="anti")
        return rows.group_by("billing_id").agg(pl.col("adjusted").sum())

    def _held(self, table: str) -> pl.LazyFrame:
        """Keys of rows in quarantine and the rule that put them there."""
        held = self.sources.kept_out(table)
        if held is None:
            return pl.LazyFrame(schema={KEY: pl.String, "rule": pl.String})
        return held.select(pl.col("key").alias(KEY), "rule")

    def _by_now(self, column: str) -> pl.Expr:
        return pl.col(column).is_null() | (pl.col(column) <= self.sources.as_of)


def dollars(amount: pl.Expr) -> pl.Expr:
    """Whole cents as HubSpot takes a number: `-12.5` for -1250."""
    whole, rest = amount.abs() // 100, (amount.abs() % 100).cast(pl.String).str.zfill(2)
    text = pl.format("{}{}.{}", pl.when(amount < 0).then(pl.lit("-")).otherwise(pl.lit("")), whole, rest)
    return rules.number(text)


def _of_charge() -> dict[str, pl.Expr]:
    """Whose a share is that goes to a charge."""
    return {
        "person": pl.col("owner"),
        "why": pl.when(~pl.col("owner_loaded")).then(pl.lit(EXCLUDED)),
        "membership": pl.col("of_membership"),
    }


def _month(column: str) -> pl.Expr:
    return pl.col(column).dt.strftime("%Y-%m").fill_null(NO_DAY).alias("month")


def _one(frame: pl.LazyFrame, column: str) -> pl.LazyFrame:
    """The first row of each value: a number given twice may not count money twice."""
    return frame.drop_nulls(column).unique(column, keep="first", maintain_order=True)
