"""Which columns point at which tables, found by names, types and values; declared keys are not asked.

A name alone is a guess, and small whole numbers are included in each other by chance, so a relation of numbers needs
both: a name that means the parent, and values that the parent has. Texts may be special enough to speak for themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from ennu_lib.audit.inclusion import Test, Values, look_up, types_fit
from ennu_lib.audit.keys import LONGEST_KEY
from ennu_lib.audit.names import counts_things, has, names_a_key, words
from ennu_lib.audit.naming import Key, Naming
from ennu_lib.audit.params import RelationParams
from ennu_lib.source import Extracted
from ennu_lib.workspace import Workspace

RELATIONS = {
    "table": pl.String,
    "column": pl.String,
    "parent": pl.String,
    "parent_column": pl.String,
    "confidence": pl.Float64,
    "name_evidence": pl.String,
    "type_evidence": pl.String,
    "values": pl.Int64,
    "inclusion": pl.Float64,
    "coverage": pl.Float64,
    "filled_rows": pl.Int64,
    "orphans": pl.Int64,
    "rivals": pl.String,
}
# Codes of a list are short; longer texts are prose that two tables may share.
LONGEST_CODE = 40
# A parent twice as wide as the values reach is not theirs if that many values would have to miss it by chance.
CHANCE = 0.001
# Numbers that reach so far into the parent are its own, even where the last ones are rarely used.
FAR = 0.6
# A key whose name is not that of its table is a weaker parent: other tables point at the same one by that name.
STRANGER = 0.1
# How much of what the name leaves open the values decide: few numbers say little, many special texts nearly all.
WEIGHTS = {"few": 0.1, "numbers": 0.4, "texts": 0.8}
FEW = 8
PROSE = ("sentences", "date", "date and time", "date, slashed or dotted", "time", "decimal number", "markup", "JSON")


def infer_relations(
    columns: pl.DataFrame,
    keys: pl.DataFrame,
    extracted: Mapping[str, Extracted],
    workspace: Workspace,
    params: RelationParams,
    progress: Callable[[int, int, str], None] | None = None,
) -> pl.DataFrame:
    """One row per relation found, surest first. `columns` is the profile, `keys` the candidate keys."""
    described = {(r["table"], r["column"]): r for r in columns.iter_rows(named=True)}
    order = {t.table: list(t.columns)[:1] for t in extracted.values()}
    parents = [(t, c, order[t] == [c]) for t, c in keys.select("table", "column").iter_rows()]
    naming = Naming.of(parents, list(extracted), params)
    values = Values(extracted, workspace, params)
    found = []
    candidates = [
        c for c in described.values() if _may_point(c, params) and not naming.is_own_key(c["table"], c["column"])
    ]
    for number, child in enumerate(candidates, start=1):
        if best := _best(child, naming, described, values, params):
            found.append(best)
        if progress and number % 50 == 0:
            progress(number, len(candidates), child["table"])
    found += _by_values(candidates, found, naming, described, values, params)
    return pl.DataFrame(found, schema=RELATIONS).sort("confidence", "table", "column", descending=[True, False, False])


def _may_point(column: dict, params: RelationParams) -> bool:
    if column["kept"].startswith(("Float", "Decimal", "Binary", "Boolean")):
        return False
    if has(words(column["column"]), params.vocabulary) or counts_things(column["column"], params.id_words):
        return False
    return column["found"] in ("integer", "text", "UUID", "nothing") and (column["longest"] or 0) <= LONGEST_KEY


def _can_be_meant(child: dict, key: Key, way: str, params: RelationParams) -> bool:
    """A parent is a key by its name or its place, and a table is not its own parent unless the name says so."""
    if child["table"] == key.table and way not in ("self", "ends_with_key", "ends_with_table", "synonym"):
        return False
    return bool(key.home or key.first or key.named)


def _says_enough(child: dict, key: Key, way: str, test: Test, params: RelationParams) -> bool:
    """A flag or a rank looks like a number of something: a name without `id` needs more than two different values."""
    if test.inclusion is None:
        return names_a_key(child["column"], params.id_words)
    if child["kept"] == "String" and way == "code_of_table":
        return test.values > 2
    if child["kept"] == "String" and not (key.home and way in ("same_name", "named_table")):
        return test.values >= FEW or test.coverage >= 0.5
    text = child["kept"] == "String"
    return names_a_key(child["column"], params.id_words) or way == "same_name" or text or test.values > 2


def _best(child: dict, naming: Naming, described: dict, values: Values, params: RelationParams) -> dict | None:
    """The parent that name and values speak for most."""
    scored = []
    for rank, (key, way) in enumerate(naming.evidence(child["table"], child["column"])):
        parent = described[key.table, key.column]
        kind = types_fit(child, parent)
        if kind is None or not _can_be_meant(child, key, way, params):
            continue
        test = look_up(child, parent, values)
        strength = getattr(params.evidence, way) - STRANGER * (1 - key.home) - (0.1 if kind == "converted" else 0)
        confidence = _confidence(strength, test, child, params) if _says_enough(child, key, way, test, params) else None
        if confidence is not None and confidence >= params.accepted:
            near = naming.shared_words(child["table"], key.table) * params.same_context
            scored.append((min(confidence + near, 0.999), -rank, key, way, kind, test))
    if not scored:
        return None
    scored.sort(key=lambda s: s[:2], reverse=True)
    chosen = _likelier(scored, params)
    confidence, _, key, way, kind, test = chosen
    rivals = [
        s[2] for s in scored if s is not chosen and confidence - s[0] < params.ambiguous and s[2].table != key.table
    ]
    return _row(child, key, confidence, way, kind, test, rivals)


def _likelier(scored: list[tuple], params: RelationParams) -> tuple:
    """The first candidate; where the name is vague, the first of those with the fewest orphans whose numbers fit.

    With a hundred different values below 20, a parent of 60 rows would have been missed above 20 by chance alone.
    """
    if scored[0][3] in ("same_name", "named_table"):
        return scored[0]
    best = max(s[-1].inclusion or 0 for s in scored)
    with_rows = [s for s in scored if (s[-1].inclusion or 0) >= best - params.orphan_margin]
    return next((s for s in with_rows if _fits(s[-1])), with_rows[0])


def _fits(test: Test) -> bool:
    return test.inclusion is None or test.reach >= FAR or test.reach ** min(test.values, 200) >= CHANCE


def _confidence(strength: float, test: Test, child: dict, params: RelationParams) -> float | None:
    if test.inclusion is None:
        return strength if strength >= params.without_values else None
    if test.inclusion < params.inclusion:
        return None
    kind = "few" if test.values < FEW else "texts" if child["kept"] == "String" else "numbers"
    weight = WEIGHTS[kind] * test.inclusion
    return 1 - (1 - strength) * (1 - weight)


def _by_values(
    candidates: list[dict], found: list[dict], naming: Naming, described: dict, values: Values, params: RelationParams
) -> list[dict]:
    """Text columns without a telling name whose values are those of a code list; all pairs in one join."""
    pointing = {(f["table"], f["column"]) for f in found}
    children = [
        c for c in candidates
        if c["kept"] == "String" and params.text_values <= (c["distinct"] or 0) < (c["rows"] or 0) and _is_code(c)
        and (c["table"], c["column"]) not in pointing
    ]  # fmt: skip
    parents = [
        key for key in naming.keys if (p := described[key.table, key.column])["kept"] == "String"
        and _is_code(p) and p["distinct"] >= params.text_values and (key.home or key.first or key.named)
    ]  # fmt: skip
    if not children or not parents:
        return []
    known = {(f["table"], f["parent"]) for f in found}
    lists = pl.concat(
        values.of(k.table, k.column).select("v", pl.lit(i).alias("parent")) for i, k in enumerate(parents)
    )
    rows = []
    for child in children:
        mine = values.of(child["table"], child["column"])
        hits = mine.join(lists, on="v").group_by("parent").agg(pl.col("n").sum(), pl.len()).sort("n", "parent")
        scored = []
        for number, rows_hit, values_hit in hits.iter_rows():
            key = parents[number]
            if key.table == child["table"] or (child["table"], key.table) in known:
                continue
            test = look_up(child, described[key.table, key.column], values)
            if test.inclusion < params.inclusion or values_hit < params.text_values:
                continue
            scored.append((rows_hit, test.coverage, key, test))
        if scored:
            _, _, key, test = max(scored, key=lambda s: (s[0], s[1]))
            confidence = 1 - (1 - params.evidence.values) * (1 - WEIGHTS["texts"] * test.inclusion)
            rows.append(_row(child, key, confidence, "values", "same", test, []))
    return rows


def _is_code(column: dict) -> bool:
    return (column["mean_length"] or 0) <= LONGEST_CODE and column["pattern"] not in PROSE


def _row(child: dict, key: Key, confidence: float, way: str, kind: str, test: Test, rivals: list[Key]) -> dict:
    ends = (child["table"], child["column"], key.table, key.column)
    return relation(ends, round(confidence, 3), way, kind, test) | {
        "rivals": ", ".join(f"{r.table}.{r.column}" for r in rivals)
    }


def relation(ends: tuple[str, str, str, str], confidence: float, way: str, kind: str, test: Test) -> dict:
    """A row of RELATIONS without rivals; `ends` are table, column, parent and parent's column."""
    measured = (test.values, test.inclusion, test.coverage, test.filled, test.orphans)
    return dict(zip(RELATIONS, (*ends, confidence, way, kind, *measured, ""), strict=True))
