"""Parity in phase 05: what is read, what is written for people to work from, and what the page shows."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from ennu_lib.catalog.biomarkers import BiomarkerCatalogue
from ennu_lib.evidence import Finding, Phase, Severity, check
from ennu_lib.scores.metric_names import Given, metric_ids
from ennu_lib.scores.outputs import people_of_rows
from ennu_lib.scores.parity.classes import COUNTS_AS, FOR_THE_CLINIC, PASSING, POLICY, ParityClass
from ennu_lib.scores.parity.compare import Parity, StoredParts, compare
from ennu_lib.scores.parity.occasions import occasions_of
from ennu_lib.scores.parity.params import load_parity
from ennu_lib.scores.parity.versions import TABLE as HISTORY
from ennu_lib.scores.parity.versions import read_history
from ennu_lib.scores.preset import Preset, load_presets
from ennu_lib.scores.source_params import load_measurement_sources
from ennu_lib.scores.sources import measurements_from
from ennu_lib.scores.stored import CORRECTIONS, DETAILS, first_reports, stored_details, stored_scores
from ennu_lib.scores.stored import TABLE as SCORES

WORKLIST = "worklists/score_parity"
NOT_CHECKABLE = (
    "no_source_score: the source stores no scores, so parity is not checkable; the formula rests on its worked "
    "examples and on two independent engines, which have to agree"
)
POLICY_SHARE = 0.05


def compare_stored(phase: Phase, catalogue: BiomarkerCatalogue, folder: Path) -> Parity | None:
    """Hold every stored score against the one recomputed as of its own day; None where the source stores none.

    Writes `scores/parity`, `scores/parity_parts`, `scores/unexplained` (both contribution tables of what nothing
    explains) and the list for the clinic, `worklists/score_parity.csv`.
    """
    if not phase.workspace.exists(f"source/{SCORES}"):
        return None
    presets = load_presets(folder / "scores", catalogue)
    rules = load_parity(folder / "scores" / "parity.yml", presets)
    sources = load_measurement_sources(folder / "scores" / "measurement_sources.yml")
    there = [name for name in sources.tables_needed() if phase.workspace.exists(f"source/{name}")]
    given = Given({name: phase.scan_table(name) for name in there}, sources, catalogue)
    stored = stored_scores(phase.scan(f"source/{SCORES}"))
    occasions = occasions_of(stored, people_of_rows(phase), presets, rules.unnamed)
    codes = metric_ids(given)
    found = compare(
        occasions,
        {name: _measurements(phase, given, preset, occasions) for name, preset in presets.items()},
        StoredParts(
            stored_details(_optional(phase, DETAILS), codes, catalogue), first_reports(_optional(phase, CORRECTIONS))
        ),
        presets,
        read_history(_optional(phase, HISTORY), codes, catalogue),
        rules,
        phase.progress,
    )
    _write(phase, found, catalogue)
    return found


def _optional(phase: Phase, table: str) -> pl.LazyFrame | None:
    return phase.scan(f"source/{table}") if phase.workspace.exists(f"source/{table}") else None


def _measurements(phase: Phase, given: Given, preset: Preset, occasions: pl.DataFrame) -> pl.LazyFrame:
    """All measurements of patients with stored scores, by their row in the source, on disk: they are read often."""
    rows = measurements_from(given.tables, given.sources, given.catalogue, extra_loinc=preset.extra_loinc)
    scored = occasions.lazy().select(patient_id="patient").unique()
    phase.write(f"scores/inputs.{preset.name}", rows.join(scored, on="patient_id", how="semi"))
    return phase.workspace.scan(f"scores/inputs.{preset.name}")


def _write(phase: Phase, found: Parity, catalogue: BiomarkerCatalogue) -> None:
    phase.write("scores/parity", found.scores)
    phase.write("scores/parity_parts", found.parts)
    unexplained = found.scores.filter(pl.col("class") == ParityClass.UNEXPLAINED)
    codes = pl.DataFrame({"metric_id": [b.metric_id for b in catalogue], "metric_code": [b.code for b in catalogue]})
    both = found.parts.join(unexplained, on="score_id", how="semi").join(codes, on="metric_id", how="left")
    phase.write("scores/unexplained", both.sort("score_id", "metric_id"))
    listed = found.scores.filter(pl.col("class").is_in([*FOR_THE_CLINIC, ParityClass.UNEXPLAINED]))
    lines = listed.select("class", "how", "score_date", table=pl.lit(SCORES), key="score_id").sort("class", "key")
    phase.wrote(phase.workspace.write_bytes(WORKLIST, lines.write_csv().encode(), ".csv"))


def class_table(found: Parity | None) -> pl.DataFrame:
    """Stored scores by formula and class, the classes in their order: preset, class, counts_as, scores."""
    if found is None:
        return pl.DataFrame(
            schema={"preset": pl.String, "class": pl.String, "counts_as": pl.String, "scores": pl.Int64}
        )
    order = {name.value: number for number, name in enumerate(ParityClass)}
    counted = found.scores.group_by("preset", "class").agg(scores=pl.len())
    says = {name.value: text for name, text in COUNTS_AS.items()}
    return (
        counted.with_columns(
            counts_as=pl.col("class").replace_strict(says), place=pl.col("class").replace_strict(order)
        )
        .sort("preset", "place")
        .select("preset", "class", "counts_as", "scores")
    )


def change_table(found: Parity | None) -> pl.DataFrame:
    """What reproduces the scores that are not reproduced as they stand: class, change, scores; most frequent first."""
    if found is None:
        return pl.DataFrame(schema={"class": pl.String, "change": pl.String, "scores": pl.Int64})
    changed = found.scores.filter(pl.col("how").fill_null("") != "")
    counted = changed.group_by("class", "how").agg(scores=pl.len())
    return counted.sort("scores", "class", "how", descending=[True, False, False]).rename({"how": "change"})


def component_table(found: Parity | None) -> pl.DataFrame:
    """Stored contributions beside ours, by formula: preset, agreement, contributions.

    Of scores with stored contributions only: beside the others there is nothing to compare ours with.
    """
    if found is None:
        return pl.DataFrame(schema={"preset": pl.String, "agreement": pl.String, "contributions": pl.Int64})
    stored = found.parts.drop_nulls("stored_points").select("score_id").unique()
    parts = found.parts.join(stored, on="score_id", how="semi")
    of = parts.join(found.scores.select("score_id", "preset"), on="score_id", how="left")
    return of.group_by("preset", "agreement").agg(contributions=pl.len()).sort("preset", "agreement")


def parity_counts(found: Parity | None) -> dict[str, int]:
    """Stored scores, those that pass, and those that nothing explains."""
    kinds = found.scores["class"] if found else pl.Series(dtype=pl.String)
    return {
        "stored_scores": len(kinds),
        "reproduced": int(kinds.is_in([kind.value for kind in PASSING]).sum()),
        "unexplained": int((kinds == ParityClass.UNEXPLAINED.value).sum()),
    }


def parity_note(found: Parity | None) -> str:
    """What the page says below the tables: where the lists are, or that there is nothing to compare with."""
    if found is None or found.scores.is_empty():
        return f"{NOT_CHECKABLE}."
    return (
        "A score passes when it is exact, within rounding or at a bound; one that cannot be compared is counted apart "
        "(SCO-05). What the clinic has to look at (another unit, the other sex, a metric counted twice, unexplained) "
        f"is listed in the private workspace, file `{WORKLIST}.csv`; both contribution tables of what nothing "
        "explains: `scores/unexplained.parquet`."
    )


def parity_findings(found: Parity | None) -> list[Finding]:
    """Whether there is anything to compare with, and whether another policy explains too much of it."""
    stored = found.scores.height if found else 0
    compared = found.scores.filter(pl.col("class") != ParityClass.NOT_COMPARABLE).height if found else 0
    policy = found.scores.filter(pl.col("class").is_in(POLICY)).height if found else 0
    return [
        check(
            "SCO-05",
            "Every stored score can be compared with a recomputed one",
            stored - compared,
            stored,
            tolerated=0.01,
            reason="scores of rows that name no patient are in quarantine (2026-11)",
            severity=Severity.WARN,
            note="" if stored else NOT_CHECKABLE,
        ),
        check(
            "SCO-06",
            "No other policy than the preset's explains many stored scores",
            policy,
            compared,
            tolerated=POLICY_SHARE,
            reason="beyond 5 % the preset is wrong, and is to be mended rather than the class accepted (2026-11)",
            severity=Severity.WARN,
        ),
    ]
