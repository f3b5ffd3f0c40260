"""The project's own standard forms, for tests: the word lists, the run's day, and every rule as a function."""

from __future__ import annotations

import datetime as dt
from functools import cache

from ennu_lib.catalog.biomarkers import load_biomarkers
from ennu_lib.config import params_dir
from ennu_lib.quality.standard.declared import TableRules
from ennu_lib.quality.standard.forms import load_forms
from ennu_lib.quality.standard.rules import RULES, Lists
from ennu_lib.quality.standard.table import Known

TODAY = dt.date(2026, 6, 30)


@cache
def lists() -> Lists:
    """What a rule may know, with a code list of two words."""
    known = known_tables()
    spellings = {"active": "Active", "on hold": "On hold"}
    return Lists(known.forms, TODAY, known.biomarkers.units, frozenset({"active"}), spellings)


def standard(rule: str):
    """Rule `rule` as a function from text to outcome."""
    return RULES[rule].standard(lists())


@cache
def known_tables(**tables) -> Known:
    """What table rules may know, without other tables."""
    clinical = params_dir() / "clinical"
    return Known(
        forms=load_forms(params_dir() / "rules" / "standard_forms.yml"),
        today=TODAY,
        biomarkers=load_biomarkers(clinical / "biomarkers.csv", clinical / "unit_aliases.csv"),
        tables=lambda name: None,
    )


def table_rules(columns=None, rows=(), derived=(), choices=None, types=None, table: str = "patients") -> TableRules:
    """Rules of one table."""
    return TableRules(table, columns or {}, tuple(rows), tuple(derived), choices or {}, types or {})
