"""Whatever a database delivers, every rule gives a result and every standard form keeps every row."""

import datetime as dt
import random
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ennu_lib.catalog import load_catalogue
from ennu_lib.config import params_dir
from ennu_lib.evidence import Status
from ennu_lib.keys import Keys
from ennu_lib.quality import load_standardize
from ennu_lib.quality.standard.table import prepare
from ennu_lib.rules import Tables, load_rules, run_rules
from ennu_lib.rules.quarantine import quarantined, references
from tests.support.standard_forms import known_tables

pytestmark = pytest.mark.slow

CATALOGUE = load_catalogue(params_dir() / "catalog")
RULES = load_rules(params_dir() / "rules")
STANDARD = load_standardize(params_dir() / "rules" / "standardize.yml", CATALOGUE)
TODAY = dt.date(2026, 6, 30)
ROWS = 5
OF_ALL_ROWS = "TOTAL_DIFFERS"
NOT_OF_ROWS = ["CLN-01", "CLN-04", "FIN-13"]  # they speak of tests and months, too
CONTACT = [
    "ennu_external_id", "source_pk", "legacy_patient_id", "legacy_patient_id_aliases", "email", "phone", "mobilephone",
    "total_revenue",
]  # fmt: skip
# What phases write, as far as the rules of phases 04 and 08 read it.
WRITTEN = {
    "identity/members": ["patient_id", "golden_id"],
    "mapped/patients": ["__account"],
    **{f"money/{name}": ["month", "kind", "person", "why", "cents"] for name in ("payments", "refunds")},
    "clean/issues": ["rule", "table", "column", "reason"],
    "scores/all": ["patient_id", "composite_score", "composite_unrounded", "coverage_pct"],
    "scores/contributions": ["patient_id", "contribution", "effective_weight"],
    "reconcile/differences": ["object", "external_id", "property", "what"],
    **{f"accounts/{name}": ["key", "account"] for name in ("patients", "lab_results", "clinical_notes")},
    **{f"targets/{name}": CONTACT for name in ("contacts", "lab_results", "measurement_history", "health_scores")},
}
TEXTS = [
    None, "", " ", "\x00", "a\x00b", "‮txet", "مرحبا 123", "😀" * 40, "x" * 65_536, "9" * 400, "\ufffd", "Ã©â€™",
    "0000-00-00", "9999-12-31", "31/12/99", "2026-02-30 25:61:61", "1e999", "-0", "NaN", "inf", "<5", "5 - ", "1,000.5",
    "%_\\'\"", "(((", "[a-z]+$", "4111111111111111", "patients", "CLN-20", "1", "2", "Y", "true", "A@B.COM", "+1813",
]  # fmt: skip
BYTES = [None, b"", b"\xff\xfe\x00", b"\x80abc", b"2026-01-01"]


def column(rng: random.Random, dtype: str) -> pl.Series:
    """Five values of one type, the edges of the type among them."""
    if dtype == "text":
        return pl.Series([rng.choice(TEXTS) for _ in range(ROWS)], dtype=pl.String)
    if dtype == "bytes":
        return pl.Series([rng.choice(BYTES) for _ in range(ROWS)], dtype=pl.Binary)
    if dtype == "integer":
        return pl.Series([rng.choice([None, 0, 1, -1, 2**63 - 1, -(2**63)]) for _ in range(ROWS)], dtype=pl.Int64)
    if dtype == "float":
        edges = [None, 0.0, -0.0, 1e308, float("nan"), float("inf"), float("-inf")]
        return pl.Series([rng.choice(edges) for _ in range(ROWS)], dtype=pl.Float64)
    if dtype == "flag":
        return pl.Series([rng.choice([None, True, False]) for _ in range(ROWS)], dtype=pl.Boolean)
    if dtype == "date":
        days = [None, dt.date.min, dt.date.max, TODAY]
        return pl.Series([rng.choice(days) for _ in range(ROWS)], dtype=pl.Date)
    if dtype == "moment":
        moments = [None, dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59)]
        return pl.Series([rng.choice(moments) for _ in range(ROWS)], dtype=pl.Datetime("us"))
    if dtype == "list":
        return pl.Series([["a"]] * ROWS, dtype=pl.List(pl.String))
    return pl.Series([None] * ROWS, dtype=pl.Null)


TYPES = ["text", "bytes", "integer", "float", "flag", "date", "moment", "list", "nothing"]


def table(rng: random.Random, names: list[str], dtypes: list[str], *, keyed: bool = True) -> pl.DataFrame:
    keys = [pl.Series("__key", [str(n) for n in range(ROWS)])] if keyed else []
    columns = [column(rng, rng.choice(dtypes)).alias(name) for name in names]
    frame = pl.DataFrame([*keys, *columns])
    return frame.clear() if rng.random() < 0.1 else frame


def database(seed: int, dtypes: list[str]) -> dict[str, pl.DataFrame]:
    rng = random.Random(seed)
    frames = {f"source/{t.name}": table(rng, t.column_names, dtypes) for t in CATALOGUE.tables}
    of_rows = ("mapped/", "money/")
    return frames | {
        name: table(rng, columns, dtypes, keyed=name.startswith(of_rows)) for name, columns in WRITTEN.items()
    }


def tables_of(frames: dict[str, pl.DataFrame]) -> Tables:
    return Tables(lambda name: frames[name].lazy() if name in frames else None, TODAY, params_dir())


STRANGE = st.tuples(st.integers(0, 2**32), st.sampled_from([["text"], ["bytes"], ["text", "bytes"], TYPES]))


@settings(max_examples=4, phases=[Phase.generate])
@given(STRANGE)
def test_every_rule_gives_a_result(strange):
    frames = database(*strange)
    run = run_rules(RULES.values(), tables_of(frames))
    assert {id: result.note for id, result in run.results.items() if result.status is Status.ERROR} == {}
    assert set(run.results) == set(RULES)
    # Issues name rows that are there, and quarantine and references can be made of them.
    held = quarantined(run.issues, RULES, Keys("k" * 40))
    assert len(references(run.issues, Keys("k" * 40))) == run.issues.height >= held.height
    of_rows = run.issues.filter(pl.col("rule").is_in([id for id, r in RULES.items() if r.moment == "source"]))
    of_rows = of_rows.filter(~pl.col("rule").is_in(NOT_OF_ROWS) & (pl.col("reason") != OF_ALL_ROWS))
    for (name,), part in of_rows.group_by("table"):
        assert set(part["key"]) <= set(frames[f"source/{name}"]["__key"].to_list())


@settings(max_examples=6, phases=[Phase.generate])
@given(STRANGE)
def test_every_standard_form_keeps_every_row_and_changes_nothing_twice(strange):
    frames = database(*strange)
    known = replace(
        known_tables(), tables=lambda name: frames[f"source/{name}"].lazy() if f"source/{name}" in frames else None
    )
    for name, rules in STANDARD.items():
        frame = frames[f"source/{name}"]
        clean, events = prepare(rules, frame.lazy(), known).apply(frame)
        assert clean["__key"].equals(frame["__key"])
        assert set(frame.columns) <= set(clean.columns)
        assert set(events["key"]) <= set(frame["__key"])
        again, more = prepare(rules, clean.lazy(), known).apply(clean)
        assert more.is_empty(), (name, more.select("column", "rule").unique().rows())
        assert again["__key"].equals(frame["__key"])
