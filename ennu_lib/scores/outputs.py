"""What phase 05 hands on: Health Scores records, their links, and the newest score for the Contact."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from ennu_lib.catalog.biomarkers import BiomarkerCatalogue, load_biomarkers
from ennu_lib.evidence import Finding, Phase, Severity, check
from ennu_lib.rules.quarantine import kept_out
from ennu_lib.scores.frames import CATEGORY_COLUMNS, Scores
from ennu_lib.scores.preset import Preset, load_presets
from ennu_lib.scores.source_params import load_measurement_sources
from ennu_lib.scores.sources import measurements_from

# The computed score is a record of its own: it has no source row, so its id is made from what it is about.
COMPUTED = "computed:health_scores"
SCORED = ("complete", "partial")


def score_parameters(folder: Path, name: str) -> tuple[Preset, BiomarkerCatalogue]:
    """The preset called `name` and the metric table. Raises ConfigurationError with every mistake of both."""
    catalogue = load_biomarkers(folder / "clinical" / "biomarkers.csv", folder / "clinical" / "unit_aliases.csv")
    return load_presets(folder / "scores", catalogue)[name], catalogue


def run_measurements(phase: Phase, preset: Preset, catalogue: BiomarkerCatalogue, folder: Path) -> pl.LazyFrame:
    """All measurements of the run's patients, those of merged patients with their survivor.

    They are written to `scores/measurements` first: scoring reads them several times.
    """
    sources = load_measurement_sources(folder / "scores" / "measurement_sources.yml")
    there = [name for name in sources.tables_needed() if phase.workspace.exists(f"source/{name}")]
    tables = {name: _trusted(phase, name) for name in there}
    members = phase.scan("identity/members").select("patient_id", survivor="golden_id")
    found = measurements_from(tables, sources, catalogue, extra_loinc=preset.extra_loinc, survivors=members)
    phase.write("scores/measurements", found)
    return phase.workspace.scan("scores/measurements")


def _trusted(phase: Phase, table: str) -> pl.LazyFrame:
    """The rows of a table that are not in quarantine: what is not loaded is not scored either."""
    rows, held = phase.scan_table(table), kept_out(phase.workspace, table)
    return rows if held is None else rows.join(held, left_on="__key", right_on="key", how="anti", maintain_order="left")


def scored_people(phase: Phase) -> pl.LazyFrame:
    """The golden records, as the score engine wants them."""
    golden = phase.scan("identity/golden")
    return golden.select(pl.col("__key").alias("patient_id"), sex="gender", birth_date="date_of_birth")


def people_of_rows(phase: Phase) -> pl.LazyFrame:
    """What is known of the patient behind every patient row of the source: patient_id, sex, birth_date."""
    known = scored_people(phase).rename({"patient_id": "golden_id"})
    return phase.scan("identity/members").select("patient_id", "golden_id").join(known, on="golden_id", how="left")


def write_scores(phase: Phase, scores: Scores, preset: str) -> list[str]:
    """Write `scores/health_scores`, `scores/links`, `scores/patch.contacts` and the evidence frames; return names.

    A patient whose data do not suffice gets no record: null is not zero.
    """
    loaded = phase.scan("mapped/patients").filter(pl.col("__account") == "loaded").select(patient_id="__key")
    kept = scores.scores.lazy().filter(pl.col("score_status").is_in(SCORED)).join(loaded, on="patient_id").collect()
    kept = kept.with_columns(_ids(phase, kept, preset), _contacts(phase, kept))
    files = {
        "scores/health_scores": _records(kept, preset),
        "scores/links": _links(kept),
        "scores/patch.contacts": _patch(kept),
        "scores/all": scores.scores,
        "scores/contributions": scores.contributions,
        "scores/exclusions": scores.exclusions,
    }
    for name, frame in files.items():
        phase.write(name, frame)
    return list(files)


def _ids(phase: Phase, kept: pl.DataFrame, preset: str) -> pl.Series:
    keys = [f"{patient}|{day}|{preset}" for patient, day in kept.select("patient_id", "score_date").iter_rows()]
    return pl.Series("ennu_external_id", phase.keys.external_ids(COMPUTED, keys), dtype=pl.String)


def _contacts(phase: Phase, kept: pl.DataFrame) -> pl.Series:
    ids = phase.keys.external_ids("patients", kept["patient_id"].to_list())
    return pl.Series("contact_id", ids, dtype=pl.String)


def _records(kept: pl.DataFrame, preset: str) -> pl.DataFrame:
    numbers = ["composite_score", *CATEGORY_COLUMNS.values(), "coverage_pct", "metrics_scored"]
    texts = ["score_band", "score_status", "contribution_detail", "gender_basis", "formula_version"]
    return kept.select(
        "ennu_external_id",
        pl.format("HS-C-{}-{}-{}", "patient_id", pl.col("score_date").dt.to_string("%Y%m%d"), pl.lit(preset)).alias(
            "health_score_id"
        ),
        pl.lit(COMPUTED).alias("source_table"),
        pl.col("patient_id").alias("source_pk"),
        pl.col("score_date").dt.to_string("%Y-%m-%d"),
        *(pl.col(name).cast(pl.String) for name in numbers),
        *(pl.col(name) for name in texts),
    )


def _links(kept: pl.DataFrame) -> pl.DataFrame:
    return kept.select(
        pl.lit("contact_to_health_scores").alias("association"),
        pl.lit(None, dtype=pl.String).alias("label"),
        pl.lit("contacts").alias("from_object"),
        pl.col("contact_id").alias("from_id"),
        pl.lit("health_scores").alias("to_object"),
        pl.col("ennu_external_id").alias("to_id"),
    )


def _patch(kept: pl.DataFrame) -> pl.DataFrame:
    return kept.select(
        pl.col("contact_id").alias("ennu_external_id"),
        pl.col("composite_score").cast(pl.String).alias("latest_health_score"),
        pl.col("score_date").dt.to_string("%Y-%m-%d").alias("latest_health_score_date"),
    )


def status_table(scores: Scores) -> pl.DataFrame:
    """Patients by status of their score."""
    return scores.scores.group_by("score_status").agg(pl.len().alias("patients")).sort("score_status")


def band_table(scores: Scores) -> pl.DataFrame:
    """Patients with a score, by band."""
    scored = scores.scores.filter(pl.col("score_status").is_in(SCORED))
    return scored.group_by("score_band").agg(pl.len().alias("patients")).sort("score_band")


def exclusion_table(scores: Scores) -> pl.DataFrame:
    """Measurements that do not count, by reason."""
    return scores.exclusions.group_by("reason").agg(pl.len().alias("measurements")).sort("reason")


def score_bins(scores: Scores, width: int = 10) -> tuple[list[int], list[int]]:
    """Edges and counts of a histogram of composite scores, `width` points a bar."""
    values = scores.scores["composite_score"].drop_nulls().cast(pl.Float64)
    edges = list(range(0, 101, width))
    counts = [int(((values >= low) & (values < low + width)).sum()) for low in edges[:-1]]
    counts[-1] += int((values == 100).sum())
    return edges, counts


def score_findings(scores: Scores, people: int, measured: int, unresolved: int) -> list[Finding]:
    """Checks on the computation as a whole."""
    accounted = scores.contributions.height + scores.exclusions.height
    off = scores.scores.filter(
        pl.col("composite_score").is_not_null() & ~pl.col("composite_score").cast(pl.Float64).is_between(0, 100)
    )
    return [
        check(
            "SCO-01",
            "Every patient has a score or a stated lack of data",
            people - scores.scores.height,
            people,
            severity=Severity.BLOCK,
        ),
        check(
            "SCO-02",
            "Every measurement counts or has a reason why not",
            abs(measured - accounted),
            measured,
            severity=Severity.BLOCK,
        ),
        check("SCO-03", "Every score lies between 0 and 100", off.height, people, severity=Severity.BLOCK),
        check(
            "SCO-04",
            "Every test name is a known biomarker",
            unresolved,
            measured,
            tolerated=0.35,
            reason="custom chart entries hold more than biomarkers (2026-11)",
            severity=Severity.WARN,
        ),
    ]


def scored_count(scores: Scores) -> int:
    """Patients with a score."""
    return scores.scores.filter(pl.col("score_status").is_in(SCORED)).height


def shown_bins(counts: list[int], suppress_below: int = 11) -> list[int | None]:
    """Bars of a histogram of people, those of 1 to `suppress_below - 1` withheld."""
    return [None if 0 < count < suppress_below else count for count in counts]
