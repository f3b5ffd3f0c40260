"""What phase 03 hands on: files in the workspace, and the counts of its page."""

from __future__ import annotations

import polars as pl

from ennu_lib.evidence import Finding, Phase, Severity, check
from ennu_lib.identity.clinical import read_facts, read_visits, united_facts
from ennu_lib.identity.decide import MERGED
from ennu_lib.identity.match import Identity, match_people
from ennu_lib.identity.params import IdentityParams
from ennu_lib.identity.registry import Registry, marks_of
from ennu_lib.report.masking import LIMIT

KEY = "__key"
OR_MORE = " or more"


def match_run(phase: Phase, params: IdentityParams, registry: Registry) -> Identity:
    """Match the run's patients with what clinical tables, reviewers and earlier runs know of them.

    Raises ConfigurationError when what is remembered is about the people of another database, and as `match_people`.
    """
    registry.recognize(marks_of(phase.scan("source/patients"), phase.keys))
    rule = params.clinical.visits
    table = _table(phase, rule.table, {rule.patient, rule.start, rule.end, rule.place, *rule.where})
    return match_people(
        phase.scan("clean/patients"),
        params,
        decisions=registry.decisions(),
        previous=registry.people(),
        visits=None if table is None else read_visits(table, rule),
        progress=phase.named_progress,
    )


def unite_facts(phase: Phase, params: IdentityParams, found: Identity) -> pl.DataFrame:
    """Every clinical fact of every person once, with the rows that state it (see clinical.united_facts)."""
    rules = params.clinical.facts
    tables = {f.table: _table(phase, f.table, {f.patient, "__key", *f.same, *f.unless}) for f in rules}
    stated = read_facts({name: table for name, table in tables.items() if table is not None}, rules)
    return united_facts(stated, crosswalk(found))


def _table(phase: Phase, name: str, needed: set[str]) -> pl.LazyFrame | None:
    """A table as remediation left it, else as the source has it; None where it or a column is not there."""
    file = f"clean/{name}" if phase.workspace.exists(f"clean/{name}") else f"source/{name}"
    if not phase.workspace.exists(file):
        return None
    table = phase.scan(file)
    return table if needed <= set(table.collect_schema().names()) else None


def crosswalk(found: Identity, key: str = "patient_id") -> pl.DataFrame:
    """Every patient and the patient whose golden record it belongs to, both as text: `patient_id`, `golden_id`."""
    survivors = found.golden.select("golden_id", pl.col(key).cast(pl.String).alias("survivor"))
    rows = found.clusters.join(survivors, on="golden_id", how="left")
    return rows.select(pl.col("key").cast(pl.String).alias("patient_id"), pl.col("survivor").alias("golden_id")).sort(
        "patient_id"
    )


def write_identity(phase: Phase, found: Identity, facts: pl.DataFrame, registry: Registry) -> list[str]:
    """Write what phase 03 found and the decisions it was told of; return the files' names.

    The registry remembers who survived, so that the next run keeps every record's id.
    """
    golden = found.golden.drop("golden_id", "members").select(
        pl.col("patient_id").cast(pl.String).alias(KEY), pl.all().exclude(KEY)
    )
    files = {
        "identity/members": crosswalk(found),
        "identity/clusters": found.clusters,
        "identity/golden": golden,
        "identity/pairs": found.pairs,
        "identity/losing_values": found.losing_values.with_columns(pl.col("value").cast(pl.String)),
        "identity/review": found.review,
        "identity/clinical_facts": facts,
        "identity/decisions": registry.decisions(),
    }
    for name, frame in files.items():
        phase.write(name, frame)
    registry.remember(files["identity/members"])
    registry.mark(marks_of(phase.scan("source/patients"), phase.keys))
    return list(files)


def decision_table(pairs: pl.DataFrame) -> pl.DataFrame:
    """Pairs by decision, kind and reason."""
    return pairs.group_by("decision", "kind", "reason").agg(pl.len().alias("pairs")).sort("decision", "kind", "reason")


def cluster_sizes(clusters: pl.DataFrame) -> pl.DataFrame:
    """How many people had one row, two rows, and so on."""
    per_person = clusters.group_by("golden_id").agg(pl.len().alias("rows_per_person"))
    return per_person.group_by("rows_per_person").agg(pl.len().alias("people")).sort("rows_per_person")


def folded_sizes(sizes: pl.DataFrame, least: int = LIMIT + 1) -> pl.DataFrame:
    """`cluster_sizes` with its tail taken together until it holds `least` people: `rows_per_person` is then a text.

    A single withheld count at the end could be worked out from the number of people, which stands on the same page.
    """
    rows = [(str(rows), people) for rows, people in sizes.iter_rows()]
    while len(rows) > 1 and rows[-1][1] < least:
        (_, people), (before, more) = rows.pop(), rows.pop()
        rows.append((f"{before.removesuffix(OR_MORE)}{OR_MORE}", people + more))
    return pl.DataFrame(rows, schema={"rows_per_person": pl.String, "people": pl.Int64}, orient="row")


def losing_summary(losing: pl.DataFrame) -> pl.DataFrame:
    """Counts of losing values by field and survivorship rule."""
    return losing.group_by("column", "rule").agg(pl.len().alias("values")).sort("column", "rule")


def best_weights(model: pl.DataFrame) -> dict[str, float]:
    """The largest weight of each field, in bits."""
    best = (
        model.group_by("field").agg(pl.col("bits_against_unrelated").max().alias("bits")).sort("bits", descending=True)
    )
    return {field: round(bits, 1) for field, bits in best.iter_rows()}


def model_formats() -> dict[str, str]:
    """How the columns of the model table are shown."""
    return dict.fromkeys(("match", "household", "unrelated"), "percent")


def second_opinion_table(found: Identity) -> list[dict[str, object]]:
    """What recordlinkage's own classifier made of the same rows: heard or not, and how far it agrees."""
    heard = bool(found.summary["second_opinion_heard"])
    return [
        {
            "classifier": "recordlinkage ECM, two classes",
            "heard": "yes" if heard else "no",
            "agreement": float(found.summary["second_opinion_agreement"]),
        }
    ]


def identity_findings(found: Identity) -> list[Finding]:
    """Checks on the matching as a whole."""
    twins = found.pairs.filter((pl.col("kind") == "twins") & (pl.col("decision") == MERGED)).height
    people = found.clusters.group_by("golden_id").agg(pl.len().alias("rows"))
    unclear = found.pairs.filter(pl.col("reason").is_in(["reviewers disagree", "contradictory decisions"])).height
    return [
        check("IDN-01", "The model converged", int(not found.summary["converged"]), 1),
        check("IDN-02", "No pair of twins was merged", twins, max(found.pairs.height, 1), severity=Severity.BLOCK),
        check("IDN-03", "Every row belongs to exactly one person", _rows_astray(found), found.summary["records"]),
        check(
            "IDN-04",
            "Few patients need a person's decision",
            found.summary["pairs_to_review"],
            found.summary["people"],
            tolerated=0.02,
            reason="two per cent of patients is what a front desk can review beside its work (2026-11)",
            severity=Severity.WARN,
        ),
        check(
            "IDN-05",
            "No person is made of more than ten rows",
            people.filter(pl.col("rows") > 10).height,
            people.height,
            reason="larger clusters chain through shared data (2026-11)",
        ),
        check(
            "IDN-06",
            "Decisions of reviewers do not contradict each other",
            unclear,
            found.summary["decisions_of_people"],
            severity=Severity.WARN,
            note="such pairs are kept apart until the reviewers agree",
        ),
    ]


def _rows_astray(found: Identity) -> int:
    members = crosswalk(found)
    return members.height - members["patient_id"].n_unique() + members["golden_id"].null_count()
