"""The checks of one measurement, and the choice of the newest, for all rows at once."""

from __future__ import annotations

from functools import reduce
from operator import or_

import numpy as np
import polars as pl

from ennu_lib.scores.formula import BASES, Formula
from ennu_lib.scores.intake import READING_KEY, REASONS, Readings, iso_day, moment_parts, real_day
from ennu_lib.scores.measurement import BLANKS, UNKNOWN_TIMES, WHOLE_ID
from ennu_lib.scores.reasons import CORRECTED_STATUSES, FINAL_STATUSES, SUPERSEDED_STATUSES, Reason

SLOT = ["person", "metric_id"]
CERTAIN = ["source_id", "source_table", "value", "unit", "test_code", "context", "status", "measured_on"]


def judge(rows: pl.LazyFrame, people: pl.DataFrame, readings: Readings, formula: Formula) -> pl.DataFrame:
    """One narrow row per measurement row, in the same order.

    `reason` says why it does not count and is null where it does; beside it `person`, `metric_id`, `reading`, `day`,
    `age` in days and `context_unknown`.
    """
    understood = (
        rows.join(people.lazy(), on="patient_id", how="left")
        .join(readings.frame.lazy(), on=READING_KEY, how="left")
        .with_columns(moment=moment_parts(pl.col("measured_on")))
        .with_columns(
            day=real_day(pl.col("moment").struct.field("day")),
            time=pl.col("moment").struct.field("time").fill_null(""),
            entered=iso_day(pl.col("entered_at")),
            state=_state(pl.col("status")),
            words=_words(pl.col("context")),
            rule_reason=pl.coalesce(
                pl.when(pl.col("basis") == basis).then(pl.col(f"{basis}_reason")) for basis in BASES
            ),
        )
        .with_columns(dated=_dated(), state_fault=_state_fault(pl.col("state")))
    )
    # Joins shuffle rows; to sort the narrow result costs less than to keep the order of the wide ones.
    marked = _mark_spoiled(understood, formula).with_columns(fasting=_fasting(), morning=_morning(formula))
    return (
        marked.select(
            "row",
            "person",
            "basis",
            "metric_id",
            "reading",
            "day",
            age=(pl.col("as_of") - pl.col("day")).dt.total_days().cast(pl.Int32),
            context_unknown=pl.col("fasting").is_null() | pl.col("morning").is_null() | _cycle_unknown(),
            reason=pl.coalesce(_reasons(formula)),
        )
        .collect()
        .sort("row")
    )


def _reasons(formula: Formula) -> list[pl.Expr]:
    """The checks in their order, each giving its reason or null."""

    def when(condition: pl.Expr, reason: Reason) -> pl.Expr:
        return pl.when(condition).then(pl.lit(reason.value, REASONS))

    fault, rule = pl.col("fault"), pl.col("rule_reason")
    return [
        when(pl.col("person").is_null(), Reason.PATIENT_UNKNOWN),
        when(pl.col("metric_id").is_null(), Reason.METRIC_UNKNOWN),
        when(pl.col("dated").not_(), Reason.DATE_INVALID),
        pl.col("state_fault"),
        when(fault == Reason.NON_NUMERIC.value, Reason.NON_NUMERIC),
        when(rule == Reason.NOT_APPLICABLE.value, Reason.NOT_APPLICABLE),
        fault,
        when(_context_fault(formula), Reason.CONTEXT),
        when(pl.col("acute"), Reason.ACUTE_PHASE),
        rule,
    ]


def _dated() -> pl.Expr:
    day, as_of = pl.col("day"), pl.col("as_of")
    born = pl.col("birth_date").is_null() | (day >= pl.col("birth_date"))
    entered = pl.col("entered").is_null() | (pl.col("entered") <= as_of)
    return (day.is_not_null() & (day <= as_of) & born & entered).fill_null(False)


def _state(status: pl.Expr) -> pl.Expr:
    return status.str.strip_chars(BLANKS).str.to_lowercase()


def _state_fault(state: pl.Expr) -> pl.Expr:
    valid = state.is_in(sorted(FINAL_STATUSES | CORRECTED_STATUSES))
    superseded = state.is_in(sorted(SUPERSEDED_STATUSES))
    return (
        pl.when(superseded)
        .then(pl.lit(Reason.SUPERSEDED.value, REASONS))
        .when(~valid)
        .then(pl.lit(Reason.STATUS.value, REASONS))
    )


def _words(context: pl.Expr) -> pl.Expr:
    """The words of the context column between semicolons, so that a word can be looked for whole."""
    inner = context.str.to_lowercase().str.strip_chars(BLANKS).str.replace_all(r"[ \t\r\n]*[;|,][ \t\r\n]*", ";")
    return pl.concat_str(pl.lit(";"), inner, pl.lit(";"))


def _says(word: str) -> pl.Expr:
    return pl.col("words").str.contains(f";{word};", literal=True)


def _fasting() -> pl.Expr:
    """True where nothing speaks against the specimen, False where it is known to be wrong, null where unknown."""
    unwanted = pl.when(_says("non_fasting")).then(False).when(_says("fasting")).then(True)
    return pl.when(pl.col("needs_fasting")).then(unwanted).otherwise(True)


def _morning(formula: Formula) -> pl.Expr:
    window = formula.preset.context.morning
    if window is None:
        return pl.lit(True)
    minute = pl.col("time").str.slice(0, 5)
    by_clock = pl.when(~pl.col("time").is_in(sorted(UNKNOWN_TIMES))).then(
        (minute >= window.from_) & (minute <= window.to)
    )
    by_word = pl.when(_says("not_morning")).then(False).when(_says("morning")).then(True)
    return pl.when(pl.col("needs_morning")).then(pl.coalesce(by_word, by_clock)).otherwise(True)


def _cycle_unknown() -> pl.Expr:
    return (pl.col("has_cycle") & (pl.col("basis") == "female") & ~_says("cycle_day")).fill_null(False)


def _context_fault(formula: Formula) -> pl.Expr:
    named = [
        (pl.col("metric_code") == code)
        & pl.col("test_code").str.strip_chars(BLANKS).is_in(list(formula.catalogue[code].lab_codes))
        for code in formula.preset.context.method_code_above
    ]
    method_known = reduce(or_, named, pl.lit(False))
    return (
        pl.col("fasting").not_().fill_null(False)
        | pl.col("morning").not_().fill_null(False)
        | (pl.col("needs_method") & ~method_known)
        | (pl.col("pregnant") & pl.col("hormone"))
        | (pl.col("on_hormone_therapy") & pl.col("suppressed"))
        | (pl.col("spoiled") & _says("calculated"))
    )


def _mark_spoiled(rows: pl.LazyFrame, formula: Formula) -> pl.LazyFrame:
    """Mark values that were calculated from an input beyond its limit on the same day."""
    valid = rows.filter(pl.col("spoils") & pl.col("dated") & pl.col("state_fault").is_null())
    days = [
        valid.filter(pl.col("metric_code") == rule.metric).select("person", "day", metric_code=pl.lit(code))
        for code, rule in formula.preset.context.calculated_not_with.items()
    ]
    if not days:
        return rows.with_columns(spoiled=pl.lit(False))
    spoiled = pl.concat(days).unique().with_columns(spoiled=pl.lit(True))
    joined = rows.join(spoiled, on=["person", "day", "metric_code"], how="left")
    return joined.with_columns(pl.col("spoiled").fill_null(False))


def choose(judged: pl.DataFrame, rows: pl.LazyFrame, formula: Formula) -> pl.DataFrame:
    """Settle the rows that passed: the newest of each patient and metric keeps its null reason, unless it is stale."""
    candidates = judged.lazy().filter(pl.col("reason").is_null()).select("row", *SLOT, "day")
    newest_day = candidates.group_by(SLOT).agg(pl.col("day").max())
    latest = candidates.join(newest_day, on=[*SLOT, "day"], how="semi").collect()
    shared = latest.group_by(SLOT).len().filter(pl.col("len") > 1)
    tied = latest.join(shared, on=SLOT, how="semi")
    winners = pl.concat([latest.join(shared, on=SLOT, how="anti")["row"], _best_of_a_day(tied, rows)["row"]])
    newest = np.zeros(judged.height, dtype=bool)
    newest[winners.to_numpy()] = True
    settled = (
        pl.when(pl.col("reason").is_not_null())
        .then(pl.col("reason"))
        .when(~pl.Series(newest))
        .then(pl.lit(Reason.SUPERSEDED.value, REASONS))
        .when(pl.col("age") > _age_limit(formula))
        .then(pl.lit(Reason.STALE.value, REASONS))
    )
    return judged.with_columns(reason=settled)


def _best_of_a_day(tied: pl.DataFrame, rows: pl.LazyFrame) -> pl.DataFrame:
    """Corrected over final, nearer source, later time, higher id; then whatever makes the choice certain."""
    whole = pl.col("source_id").str.contains(f"^{WHOLE_ID}$")
    ranked = (
        rows.join(tied.lazy(), on="row")
        .with_columns(
            corrected=_state(pl.col("status")).is_in(sorted(CORRECTED_STATUSES)),
            nearness=-pl.col("source_rank"),
            time=moment_parts(pl.col("measured_on")).struct.field("time").fill_null(""),
            number=pl.when(whole).then(pl.col("source_id").cast(pl.Int64, strict=False)).otherwise(-1),
        )
        .sort(*SLOT, "corrected", "nearness", "time", "number", *CERTAIN)
    )
    return ranked.unique(subset=SLOT, keep="last", maintain_order=True).select("row").collect()


def _age_limit(formula: Formula) -> pl.Expr:
    """Days after which a value does not count; null, which no age exceeds, where it never grows stale."""
    days = {b.metric_id: formula.freshness[b.code].half_days for b in formula.catalogue}
    return pl.col("metric_id").replace_strict(days, default=None, return_dtype=pl.Int32)
