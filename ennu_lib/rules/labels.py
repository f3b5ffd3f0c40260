"""How well the rules find what was planted into the synthetic clinic: recall and false alarms per kind of defect."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from pydantic import Field

from ennu_lib.config import Strict, load_model
from ennu_lib.errors import ConfigurationError
from ennu_lib.rules.definition import Rule
from ennu_lib.rules.tables import KEY, NotHere, Tables


class Detection(Strict):
    """params/rules/detection.yml: per kind of defect, the rules and reasons that must find it.

    `old_scores`: per way in which the old software computed some of its scores, the class that parity must give them.
    """

    recall: float = Field(gt=0, le=1)
    false_alarms: float = Field(ge=0, lt=1)
    kinds: dict[str, list[str]]
    old_scores: dict[str, str] = {}

    def detectors(self) -> pl.DataFrame:
        """kind, rule, reason."""
        rows = [
            (kind, rule, reason)
            for kind, listed in self.kinds.items()
            for rule, *reasons in (text.split() for text in listed)
            for reason in reasons
        ]
        return pl.DataFrame(rows, schema=["kind", "rule", "reason"], orient="row")


def load_detection(path: Path, rules: set[str]) -> Detection:
    """Read the file. Raises ConfigurationError with every mistake, rules that do not exist among them."""
    detection = load_model(path, Detection)
    unknown = sorted(set(detection.detectors()["rule"]) - rules)
    if unknown:
        raise ConfigurationError(str(path), [f"{rule} is no rule" for rule in unknown])
    return detection


def looked_for(rules: dict[str, Rule], detection: Detection) -> list[Rule]:
    """The rules over the source, and those of later phases that are named for a kind: they see the source as well."""
    named = set(detection.detectors()["rule"])
    return [rule for rule in rules.values() if rule.moment == "source" or rule.id in named]


def classed(truth: pl.DataFrame, parity: pl.DataFrame, detection: Detection) -> pl.DataFrame:
    """How parity classed the scores that the old software computed otherwise: way, class, planted, found, recall.

    `truth`: health_score_id, way. `parity`: score_id, class.
    """
    wanted = pl.DataFrame(list(detection.old_scores.items()), schema=["way", "class"], orient="row")
    planted = truth.join(wanted, on="way").with_columns(score_id=pl.col("health_score_id").cast(pl.String))
    judged = planted.join(parity.select("score_id", given="class"), on="score_id", how="left")
    found = (pl.col("given") == pl.col("class")).fill_null(False)
    counted = judged.group_by("way", "class").agg(planted=pl.len(), found=found.sum())
    return counted.with_columns(recall=pl.col("found") / pl.col("planted")).sort("way")


def scored(issues: pl.DataFrame, labels: pl.DataFrame, tables: Tables, detection: Detection) -> pl.DataFrame:
    """One row per kind: planted, found, recall, clean, alarms, alarm_share.

    `labels` has table, key, defect (`kind:column`). A defect is found when one of its rules names its row. Clean rows
    are those of the kind's tables that carry no label at all; an alarm is a clean row that one of its rules names.
    """
    labels = labels.with_columns(kind=pl.col("defect").str.split(":").list.first())
    there = [name for name in labels["table"].unique().to_list() if tables.has(name)]
    planted = labels.filter(pl.col("table").is_in(there)).select("kind", "table", "key").unique()
    planted = planted.join(detection.detectors().select("kind").unique(), on="kind", how="semi")
    named = _as_labelled(issues.filter(pl.col("table").is_in(there)), tables)
    found = (
        named.join(detection.detectors(), on=["rule", "reason"], how="inner").select("kind", "table", "key").unique()
    )
    hits = planted.join(found, on=["kind", "table", "key"], how="semi").group_by("kind").agg(found=pl.len())
    homes = planted.select("kind", "table").unique()
    dirty = labels.select("table", "key").unique()
    alarms = found.join(homes, on=["kind", "table"], how="semi").join(dirty, on=["table", "key"], how="anti")
    sizes = _sizes(there, tables).join(dirty.group_by("table").agg(dirty=pl.len()), on="table", how="left")
    clean = (
        homes.join(sizes, on="table").group_by("kind").agg(clean=(pl.col("rows") - pl.col("dirty").fill_null(0)).sum())
    )
    counts = planted.group_by("kind").agg(planted=pl.len())
    for other in (hits, clean, alarms.group_by("kind").agg(alarms=pl.len())):
        counts = counts.join(other, on="kind", how="left")
    return (
        counts.with_columns(pl.col("found", "clean", "alarms").fill_null(0))
        .with_columns(
            recall=pl.col("found") / pl.col("planted"), alarm_share=pl.col("alarms") / pl.max_horizontal("clean", 1)
        )
        .sort("kind")
    )


def undetected(labels: pl.DataFrame, detection: Detection) -> list[str]:
    """Kinds of the labels for which no rule is named."""
    kinds = labels.select(pl.col("defect").str.split(":").list.first()).unique().to_series().to_list()
    return sorted(set(kinds) - set(detection.kinds))


def _as_labelled(issues: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    """Labels name a row of a table without primary key by its named key, issues by its place in the snapshot."""
    parts = []
    for (name,), part in issues.group_by("table"):
        table = tables.catalogue.table(name)
        if not table.primary_key:
            keys = tables(name, table.named_key).select(pl.col(KEY).alias("key"), pl.col(table.named_key).alias("own"))
            part = (
                part.join(keys.collect(), on="key", how="left").with_columns(key=pl.coalesce("own", "key")).drop("own")
            )
        parts.append(part)
    return pl.concat(parts) if parts else issues


def _sizes(names: list[str], tables: Tables) -> pl.DataFrame:
    rows = []
    for name in names:
        try:
            rows.append((name, tables(name, tables.catalogue.table(name).row_key[0]).select(pl.len()).collect().item()))
        except NotHere:
            continue
    return pl.DataFrame(rows, schema={"table": pl.String, "rows": pl.Int64}, orient="row")
