"""Values and units of measurements (CLN-01 to CLN-05)."""

from __future__ import annotations

import polars as pl

from ennu_lib.rules.measured import STRICT, measured
from ennu_lib.rules.parsing import number, says_nothing, word
from ennu_lib.rules.registry import Look, checks
from ennu_lib.rules.tables import KEY, Tables

VALUE = {"lab_results": "test_value", "25againmembermetrics": "metric_value", "custom_chart_entries": "FieldValue"}
UNIT = {"lab_results": "test_unit", "25againmembermetrics": "metric_unit", "custom_chart_entries": "FieldValue"}
CHART = "custom_chart_entries"


def _by_table(frame: pl.LazyFrame, tables: Tables) -> list[tuple[str, pl.LazyFrame]]:
    return [(table, frame.filter(pl.col("table") == table)) for table in VALUE if tables.has(table)]


@checks("CLN-01")
def plausible(tables: Tables, settings) -> list[Look]:
    """The value in its canonical unit lies within the limits of a living body."""
    frame = measured(tables)
    outside = (pl.col("canonical") < pl.col("low")) | (pl.col("canonical") > pl.col("high"))
    outside |= pl.col("factor").is_null() & (pl.col("number") < 0)
    scored = pl.col("metric").is_not_null() & pl.col("number").is_not_null()
    looks = [Look(t, part, {(VALUE[t], "IMPLAUSIBLE"): outside}, scored) for t, part in _by_table(frame, tables)]
    tests = frame.filter(scored).group_by(pl.col("metric").alias(KEY)).agg(n=pl.len(), bad=outside.sum())
    many = tests.filter(pl.col("n") >= settings["enough_rows"]).sort(KEY)
    often = pl.col("bad") > settings["of_a_test"] * pl.col("n")
    looks.append(Look("lab_results", many, {("test_name", "OF_THIS_TEST"): often}))
    return [*looks, _vitals(tables, settings)]


def _vitals(tables: Tables, settings) -> Look:
    """Vital signs within the limits of their biomarker, those that are none within limits of the settings."""
    of = {column: tables.biomarkers[metric].plausible for column, metric in settings["vitals"].items()}
    limits = {column: (float(one.low), float(one.high)) for column, one in of.items()} | settings["other_vitals"]
    frame = tables("vitals", *limits, "temperature", "temperature_unit")
    fails = {(c, "IMPLAUSIBLE"): ~number(c).is_between(low, high) for c, (low, high) in limits.items()}
    inside = {
        unit: number("temperature").is_between(low, high) for unit, (low, high) in settings["temperature"].items()
    }
    unit = word("temperature_unit").str.slice(0, 1)
    warm = pl.when(unit == "f").then(inside["f"]).when(unit == "c").then(inside["c"]).otherwise(
        inside["f"] | inside["c"]
    )  # fmt: skip
    fails["temperature", "IMPLAUSIBLE"] = ~warm
    return Look("vitals", frame, fails)


@checks("CLN-02")
def unit_known(tables: Tables, settings) -> list[Look]:
    """The unit is known, belongs to the metric, can be converted, and is spelled as its laboratory spells it."""
    frame = measured(tables)
    spelled = frame.filter(pl.col("ucum").is_not_null()).group_by("lab", "ucum", "spelled").agg(rows=pl.len())
    usual = spelled.sort("rows", "spelled").group_by("lab", "ucum").agg(usual=pl.col("spelled").last())
    frame = frame.join(usual, on=["lab", "ucum"], how="left")
    given = ~says_nothing("unit") & pl.col("metric").is_not_null()
    other = (pl.col("spelled") != pl.col("usual")) | (pl.col("unit") != pl.col("spelled"))
    looks = []
    for table, part in _by_table(frame, tables):
        column = UNIT[table]
        known = pl.col("listed").fill_null(False)
        fails = {
            (column, "UNKNOWN_UNIT"): given & ~known,
            (column, "NOT_CONVERTIBLE"): given & known & pl.col("factor").is_null(),
        }
        if table != CHART:
            spelling = other | pl.col("spelled").is_in(settings["never_usual"])
            fails[column, "SPELLING"] = given & known & spelling
        looks.append(Look(table, part, fails, given))
    return looks


@checks("CLN-03")
def wrong_unit(tables: Tables, settings) -> list[Look]:
    """No unit, or a value that only another unit, or a slipped decimal point, explains.

    Witnesses against a value: the patient's own other values, the copy of the same result in the other table, and the
    laboratory's own verdict (normal, abnormal) beside the reference range that it printed.
    """
    frame = _witnessed(measured(tables), settings)
    value, farther = pl.col("assumed"), pl.col("farther_out")
    own = _apart(value, pl.col("others"), settings["factor"]) & ((pl.col("own_values") > 2) | farther)
    copy = _apart(value, pl.col("copy"), settings["copy_factor"]) & farther
    same_unit = pl.col("factor").fill_null(1) == 1
    verdict = (
        same_unit & pl.col("contradicts") & _apart(pl.col("number"), pl.col("expected"), settings["verdict_factor"])
    )
    population = _apart(value, pl.col("usual"), settings["population_factor"])
    # A chart entry is typed by hand: how many decimals it has says nothing.
    blamed = own | copy | verdict | population | (pl.col("odd_places") & (pl.col("table") != CHART))
    looks = []
    for table, part in _by_table(frame, tables):
        fails = {(VALUE[table], "SUSPECTED_SLIP"): blamed}
        if table != CHART:
            fails[UNIT[table], "UNIT_MISSING"] = says_nothing("unit") & pl.col("metric").is_not_null()
        looks.append(Look(table, part, fails, pl.col("metric").is_not_null() & pl.col("number").is_not_null()))
    return looks


@checks("CLN-04")
def population_shift(tables: Tables, settings) -> list[Look]:
    """A test, as a laboratory names it and in one unit, against its previous twelve months: does the median of a month
    move, or the share that the laboratory calls abnormal? A month of too few results is judged with its year."""
    frame = measured(tables).filter(
        (pl.col("table") == "lab_results") & pl.col("number").is_not_null() & pl.col("date").is_not_null()
    )
    frame = frame.select(*TEST, "number", "date", abnormal=~pl.col("flag").is_in(["normal"]))
    yearly = _stretches(frame, "1y", settings)
    monthly = _stretches(frame, "1mo", settings)
    before = frame.join(monthly.select(TEST).unique(), on=TEST, how="semi", nulls_equal=True).sort("date")
    before = before.group_by_dynamic("date", every="1mo", period="12mo", offset="-12mo", group_by=TEST).agg(
        *_STATISTICS
    )
    before = before.filter(pl.col("n") >= settings["at_least"])
    return [
        _moved(yearly, yearly.with_columns(pl.col("date").dt.offset_by("1y")), settings),
        _moved(monthly, before.with_columns(pl.col("date").dt.truncate("1mo").dt.offset_by("12mo")), settings),
    ]


TEST = ["metric", "name", "ucum"]
_STATISTICS = (
    pl.col("number").median().alias("median"), pl.col("abnormal").mean().alias("share"), pl.len().alias("n"),
)  # fmt: skip


def _stretches(frame: pl.LazyFrame, every: str, settings) -> pl.LazyFrame:
    """Median and share of abnormal results per test and month or year, of those with results enough."""
    grouped = frame.group_by(*TEST, pl.col("date").dt.truncate(every)).agg(*_STATISTICS)
    return grouped.filter(pl.col("n") >= settings["at_least"])


def _moved(now: pl.LazyFrame, before: pl.LazyFrame, settings) -> Look:
    earlier = before.select(*TEST, "date", median_before="median", share_before="share", n_before="n")
    frame = now.join(earlier, on=[*TEST, "date"], how="inner", nulls_equal=True)
    many = pl.min_horizontal("n", "n_before") >= settings["share_at_least"]
    fails = {
        ("test_value", "MEDIAN_MOVED"): (pl.col("median") / pl.col("median_before") - 1).abs() > settings["shift"],
        ("result_status", "SHARE_MOVED"): many
        & ((pl.col("share") - pl.col("share_before")).abs() > settings["share_shift"]),
    }
    key = pl.concat_str(*TEST, pl.col("date").cast(pl.String), separator="|", ignore_nulls=True)
    return Look("lab_results", frame.with_columns(key.alias(KEY)), fails)


@checks("CLN-05")
def parsable(tables: Tables, settings) -> list[Look]:
    """A number, perhaps with a comparison sign, or a known qualitative word."""
    words = settings["qualitative"]
    looks = []
    for table, part in _by_table(measured(tables), tables):
        numeric = pl.col("number").is_not_null()
        known = word("text").is_in(words)
        fails = {
            (VALUE[table], "NOT_NUMERIC"): pl.col("text").is_not_null() & ~numeric & ~known,
            (VALUE[table], "SPELLING"): numeric & ~pl.col("text").str.contains(STRICT),
        }
        looks.append(Look(table, part, fails, pl.col("text").is_not_null()))
    return looks


def _witnessed(frame: pl.LazyFrame, settings) -> pl.LazyFrame:
    """Adds what speaks for or against each value. A value without a unit is taken as canonical to begin with."""
    group = ("patient_id", "metric")
    frame = frame.with_columns(assumed=pl.coalesce("canonical", pl.when(says_nothing("unit")).then("number")))
    usable = pl.when(pl.col("assumed") > 0).then("assumed")
    frame = frame.with_columns(
        own_values=usable.count().over(*group),
        others=pl.when(usable.count().over(*group) == 2)
        .then(usable.sum().over(*group) - pl.col("assumed"))
        .when(usable.count().over(*group) > 2)
        .then(usable.median().over(*group)),
        usual=usable.median().over("metric"),
    )
    frame = _with_copies(_with_places(frame, settings))
    rival = pl.coalesce("copy", "others")
    away = (pl.col("assumed") / pl.col("usual")).log().abs() - (rival / pl.col("usual")).log().abs()
    low = pl.col("range").str.extract(r"^\s*(?:>=?\s*)?(\d+(?:\.\d+)?)\s*(?:-|$)", 1).cast(pl.Float64, strict=False)
    high = pl.col("range").str.extract(r"(?:<=?\s*|\d\s*-\s*)(\d+(?:\.\d+)?)\s*$", 1).cast(pl.Float64, strict=False)
    below, above = pl.col("number") < low, pl.col("number") > high
    outside = below.fill_null(False) | above.fill_null(False)
    normal, abnormal = pl.col("flag") == "normal", pl.col("flag") == "abnormal"
    has_range = low.is_not_null() | high.is_not_null()
    return frame.with_columns(
        farther_out=away > 0,
        contradicts=has_range & ((normal & outside) | (abnormal & ~outside)),
        expected=pl.coalesce(pl.when(below).then(low), pl.when(above).then(high)),
    )


def _with_copies(frame: pl.LazyFrame) -> pl.LazyFrame:
    """`copy`: the same result as the other table has it."""
    laboratory = frame.filter(pl.col("table") == "lab_results").select(pl.col(KEY).alias("twin"), there="assumed")
    copied = frame.filter(pl.col("twin").is_not_null()).group_by(original="twin").agg(back=pl.col("assumed").first())
    frame = frame.join(laboratory, on="twin", how="left")
    frame = frame.with_columns(original=pl.when(pl.col("table") == "lab_results").then(pl.col(KEY)))
    return frame.join(copied, on="original", how="left").with_columns(copy=pl.coalesce("there", "back"))


def _with_places(frame: pl.LazyFrame, settings) -> pl.LazyFrame:
    """`odd_places`: more decimals than the test is reported with, as a converted or shifted number has."""
    places = pl.col("text").str.extract(r"\.(\d+)", 1).str.len_chars().fill_null(0)
    frame = frame.with_columns(places=places, slot=pl.coalesce("ucum", "home"))
    counted = frame.filter(pl.col("number").is_not_null()).group_by("metric", "slot", "places").agg(n=pl.len())
    total, as_many = pl.col("n").sum(), pl.col("n").cum_sum(reverse=True)
    rare = counted.sort("places").with_columns(
        odd_places=(as_many < settings["rare_places"] * total).over("metric", "slot")
        & (total.over("metric", "slot") >= settings["enough_rows"])
    )
    return frame.join(rare.drop("n"), on=["metric", "slot", "places"], how="left")


def _apart(one: pl.Expr, other: pl.Expr, factor: float) -> pl.Expr:
    """Two positive numbers that differ by at least `factor`."""
    ratio = one / other
    return (one > 0) & (other > 0) & ((ratio >= factor) | (ratio <= 1 / factor))
