"""A clinic of a few payments: what mapping makes of them, and what the control totals say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cached_property

import polars as pl

from ennu_lib.catalog import load_catalogue
from ennu_lib.catalog.biomarkers import load_biomarkers
from ennu_lib.config import params_dir
from ennu_lib.hubspot.portal_schema import load_portal_schema
from ennu_lib.keys import Keys
from ennu_lib.mapping import load_mappings, money
from ennu_lib.mapping.engine import Sources, map_rows
from ennu_lib.rules import Tables, load_rules, run_rules

CATALOGUE = load_catalogue(params_dir() / "catalog")
MAPS = load_mappings(params_dir(), CATALOGUE, load_portal_schema())
RULES = load_rules(params_dir() / "rules")
BIOMARKERS = load_biomarkers(
    params_dir() / "clinical" / "biomarkers.csv", params_dir() / "clinical" / "unit_aliases.csv"
)
TODAY = dt.date(2026, 6, 30)
DAY = "2026-05-01"
USUAL = {
    "billing_records": {
        "service_date": DAY, "service_type": "Consultation", "is_void": "N", "transaction_type": "Charge",
        "currency": "USD",
    },
    "payments": {
        "payment_date": DAY, "posted_date": DAY, "type": "patient", "status": "posted", "currency": "USD",
    },
    "refunds": {"refund_date": DAY},
}  # fmt: skip
KEYS = {
    "billing_records": "billing_id", "payments": "payment_id", "payment_allocations": "allocation_id",
    "refunds": "refund_id", "adjustments": "adjustment_id", "25againmemberbilling": "member_billing_id",
    "billing_line_items": "billing_line_id", "patient_balances": "balance_id", "patients": "patient_id",
}  # fmt: skip

MAPPED = ("payments", "billing_records")


class Books:
    """Tables by name, as rows of text; whose duplicate each patient is; who is not loaded; what is in quarantine."""

    def __init__(
        self,
        *,
        people: Mapping[str, str],
        excluded: Sequence[str] = (),
        held: Mapping[str, Mapping[str, str]] | None = None,
        **rows: Sequence[Mapping[str, str]],
    ):
        self.rows = {name.replace("fees", "25againmemberbilling"): listed for name, listed in rows.items()}
        self.rows["patients"] = [{"patient_id": one} for one in people]
        self.people, self.excluded, self.held = people, excluded, held or {}

    def frame(self, name: str) -> pl.DataFrame:
        """A table of the source with all its columns."""
        columns = CATALOGUE.table(name).column_names
        rows = [USUAL.get(name, {}) | dict(row) for row in self.rows.get(name, [])]
        made = {c: [row.get(c) for row in rows] for c in columns}
        return pl.DataFrame(made, schema=dict.fromkeys(columns, pl.String)).with_columns(__key=KEYS[name])

    @cached_property
    def sources(self) -> Sources:
        """What the mapping engine reads."""
        crosswalk = pl.LazyFrame(
            {
                "patient_id": list(self.people),
                "golden_id": list(self.people.values()),
                "excluded": [golden in self.excluded for golden in self.people.values()],
                "held": [False for _ in self.people],
            }
        )

        def kept_out(name: str) -> pl.LazyFrame | None:
            held = self.held.get(name, {})
            return pl.LazyFrame({"key": list(held), "rule": list(held.values())}) if held else None

        return Sources(
            lambda name: self.frame(name).lazy(), crosswalk, MAPS.codes, [], BIOMARKERS, Keys("k" * 40), kept_out,
            as_of=TODAY,
        )  # fmt: skip

    @cached_property
    def ledger(self) -> money.Ledger:
        """The ledger over the mapped rows."""
        mapped = {name: map_rows(MAPS.mappings[name], self.sources).collect() for name in MAPPED}
        return money.Ledger(self.sources, lambda name: mapped[name].lazy())

    @cached_property
    def shares(self) -> dict[str, pl.DataFrame]:
        """The shares of payments and refunds."""
        return {"payments": self.ledger.payment_shares().collect(), "refunds": self.ledger.refund_shares().collect()}

    @cached_property
    def contacts(self) -> pl.DataFrame:
        """The calculated properties by Contact."""
        return self.ledger.per_contact(pl.concat(self.shares.values()).lazy()).collect().sort("golden_id")

    def value(self, golden: str, name: str) -> str | None:
        """One property of one Contact."""
        found = self.contacts.filter(pl.col("golden_id") == golden)
        return found[name].item() if found.height else None

    def kept_back(self) -> dict[str, int]:
        """Cents without a Contact, by reason."""
        shares = pl.concat(self.shares.values()).drop_nulls("why")
        return dict(shares.group_by("why").agg(pl.col("cents").sum()).sort("why").iter_rows())

    def files(self) -> dict[str, pl.DataFrame]:
        """The files that the control totals read."""
        loaded = sorted(set(self.people.values()) - set(self.excluded))
        ids = pl.DataFrame({"golden_id": loaded}, schema={"golden_id": pl.String})
        contacts = ids.join(self.contacts, on="golden_id", how="left", maintain_order="left")
        return {
            **{f"source/{name}": self.frame(name) for name in KEYS},
            **{f"money/{name}": frame for name, frame in self.shares.items()},
            "identity/members": self.sources.crosswalk.collect(),
            "targets/contacts": contacts.with_columns(legacy_patient_id=pl.format("P-{}", "golden_id")),
        }

    def run(self, *rules: str, files: Mapping[str, pl.DataFrame] | None = None):
        """What rules find in these books, or in `files`."""
        return run_rules([RULES[id] for id in rules], tables_of(files or self.files()))


def tables_of(files: Mapping[str, pl.DataFrame]) -> Tables:
    """Tables out of files in memory."""
    return Tables(lambda name: files[name].lazy() if name in files else None, TODAY, params_dir())


def charge(number: str, patient: str, amount: str, **more: str) -> dict[str, str]:
    """A charge."""
    return {"billing_id": number, "patient_id": patient, "service_amount": amount, **more}


def payment(number: str, patient: str | None, amount: str, **more: str) -> dict[str, str | None]:
    """A payment."""
    return {"payment_id": number, "patient_id": patient, "amount": amount, **more}


def given(number: str, paid: str, billed: str, amount: str) -> dict[str, str]:
    """What a payment gives to a charge."""
    return {"allocation_id": number, "payment_id": paid, "billing_id": billed, "amount": amount}


def refund(number: str, paid: str, amount: str, billed: str | None = None, **more: str) -> dict[str, str | None]:
    """A refund of a payment."""
    return {"refund_id": number, "payment_id": paid, "billing_id": billed, "amount": amount, **more}
