"""The vectorised engine gives what the exact engine gives, to the last stored decimal, whatever the source holds."""

import datetime as dt
from dataclasses import asdict

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ennu_lib.scores.exact import score_patient
from ennu_lib.scores.frames import frames_of
from ennu_lib.scores.measurement import Measurement, parse_birth_date
from ennu_lib.scores.vectorised import score_all
from tests.support.score_params import AS_OF, BINARY, CATALOGUE, GRADED

pytestmark = pytest.mark.slow

LENIENT = GRADED.varied(coverage_min="0.01", min_metrics=1, required_categories=["Thyroid"], coverage_complete="0.3")
VARIANTS = {
    "graded": GRADED,
    "lenient": LENIENT,
    "four decimals, zero points": LENIENT.varied(decimals=4, missing_policy="zero_points"),
    "binary": BINARY,
    "binary renormalised": BINARY.varied(missing_policy="renormalise", unknown_gender_policy="shared_ranges_only"),
    "suppressing": GRADED.varied(context={**GRADED.context.model_dump(by_alias=True), "suppress_on_therapy": ["lh"]}),
}

CODES = [b.code for b in CATALOGUE]
KNOWN_UNITS = sorted({u for b in CATALOGUE for u in (b.unit, *b.conversions)})
UNITS = [*KNOWN_UNITS, "", " ", "mIU/L", "IU/L", "furlong", "µg/dL"]
DAYS = st.integers(-30, 700).map(lambda ago: (AS_OF - dt.timedelta(days=ago)).isoformat())
CLOCKS = st.sampled_from(["", " 00:00:00", " 06:59", " 07:00:00", "T10:00:59", "T10:01:00Z", " 9:15", " noon"])
ODD_DATES = st.sampled_from(["", "0000-00-00", "0001-01-01", "1970-01-01", "2025-02-30", "2025-2-3", "20250203", "n/a"])
NUMBERS = st.decimals("0.001", "2000", places=3, allow_nan=False).map(str)
ODD_VALUES = st.sampled_from(
    [
        "",
        "QNS",
        "<0.2",
        ">= 600",
        "≤5",
        "1,200",
        "1,20",
        "-3",
        "+4",
        ".5",
        "5.",
        "1e3",
        "120/80",
        "∞",
        "٣",
        "9" * 39,
        "9" * 60,
    ]
)
# Thirds and sevenths of sub-scores that meet weights dividing by 128 bring roundings within reach of a tie.
LONG_NUMBERS = st.decimals("1", "600", places=18, allow_nan=False).map(str)


@st.composite
def measurements(draw):
    code = draw(
        st.sampled_from(CODES) | st.sampled_from(["ldl_c", "triglycerides", "cortisol_am", "free_testosterone", ""])
    )
    own = [CATALOGUE[code].unit, *CATALOGUE[code].conversions] if code else [""]
    return Measurement(
        metric_code=code,
        value=draw(
            NUMBERS | NUMBERS | ODD_VALUES | LONG_NUMBERS | st.sampled_from(["500", "450", "30", "1", "5", "60"])
        ),
        unit=draw(st.sampled_from(own) | st.sampled_from(UNITS)),
        measured_on=draw(st.builds(str.__add__, DAYS, CLOCKS) | DAYS | ODD_DATES),
        status=draw(
            st.sampled_from(["", "final", "Final ", "corrected", "F", "C", "superseded", "cancelled", "prelim\n"])
        ),
        entered_at=draw(st.sampled_from(["", "2026-06-30", "2026-07-01 08:00:00", "0000-00-00"])),
        context=draw(
            st.sampled_from(
                [
                    "",
                    "fasting",
                    "Non_Fasting",
                    "fasting;calculated",
                    " calculated ,morning",
                    "not_morning|cycle_day",
                    ";;",
                ]
            )
        ),
        test_code=draw(st.sampled_from(["", "144981", " 080796 ", "999"])),
        source_table=draw(st.sampled_from(["lab_results", "25againmembermetrics"])),
        source_id=draw(st.sampled_from(["", "7", "10", "9", "a7", "007"])),
        source_rank=draw(st.sampled_from([0, 0, 1])),
    )


@st.composite
def patients(draw):
    return {
        "sex": draw(st.sampled_from(["male", "female", "F", " M ", "other", ""])),
        "birth_date": draw(st.sampled_from(["", "1960-02-29", "2008-06-30", "2008-07-01", "0000-00-00", "2025-01-01"])),
        "pregnant": draw(st.sampled_from([False] * 9 + [True])),
        "on_hormone_therapy": draw(st.booleans()),
        "measurements": draw(st.lists(measurements(), max_size=25)),
    }


def frames(people):
    rows = [{"patient_id": f"p{n}", **asdict(m)} for n, p in enumerate(people) for m in p["measurements"]]
    schema = {
        "patient_id": pl.String,
        **{f: pl.String for f in Measurement.__dataclass_fields__},
        "source_rank": pl.Int64,
    }
    persons = [
        {"patient_id": f"p{n}", **{k: v for k, v in p.items() if k != "measurements"}} for n, p in enumerate(people)
    ]
    return pl.LazyFrame(rows, schema=schema), pl.LazyFrame(persons)


def exactly(people, preset):
    scored = {
        f"p{n}": score_patient(
            p["measurements"],
            p["sex"],
            p.get("as_of", AS_OF),
            preset,
            CATALOGUE,
            birth_date=parse_birth_date(p["birth_date"]),
            pregnant=p["pregnant"],
            on_hormone_therapy=p["on_hormone_therapy"],
        )
        for n, p in enumerate(people)
    }
    return frames_of(scored, preset.decimals)


def assert_same(found, expected):
    assert_frame_equal(found.scores, expected.scores)
    for name in ("contributions", "exclusions"):
        one, other = getattr(found, name), getattr(expected, name)
        assert_frame_equal(one.sort(one.columns), other.sort(other.columns))


@pytest.mark.parametrize("variant", VARIANTS)
@settings(max_examples=12, deadline=None)
@given(people=st.lists(patients(), min_size=1, max_size=8))
def test_both_engines_give_the_same_frames(variant, people):
    preset = VARIANTS[variant]
    assert_same(score_all(*frames(people), AS_OF, preset, CATALOGUE), exactly(people, preset))


@settings(max_examples=12, deadline=None)
@given(people=st.lists(patients(), min_size=1, max_size=6), days=st.lists(st.integers(0, 800), min_size=6, max_size=6))
def test_every_patient_may_have_a_day_of_their_own(people, days):
    dated = [p | {"as_of": AS_OF - dt.timedelta(days=n)} for p, n in zip(people, days, strict=False)]
    assert_same(score_all(*frames(dated), AS_OF, LENIENT, CATALOGUE), exactly(dated, LENIENT))


@settings(max_examples=25, deadline=None)
@given(people=st.lists(patients(), min_size=1, max_size=4))
def test_every_measurement_is_accounted_for_once_and_contributions_sum_to_the_score(people):
    rows, persons = frames(people)
    found = score_all(rows, persons, AS_OF, LENIENT, CATALOGUE)
    assert found.contributions.height + found.exclusions.height == sum(len(p["measurements"]) for p in people)
    sums = found.contributions.group_by("patient_id").agg(pl.col("contribution").sum(), pl.col("headroom").sum())
    joined = found.scores.join(sums, on="patient_id")
    assert (joined["contribution"] == joined["composite_unrounded"]).all()
    assert joined.select((pl.col("contribution") + pl.col("headroom") - 100).abs() < 0.0001).to_series().all()


@settings(max_examples=25, deadline=None)
@given(people=st.lists(patients(), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_the_order_of_the_rows_does_not_matter(people, seed):
    rows, persons = frames(people)
    shuffled = rows.collect().sample(fraction=1.0, shuffle=True, seed=seed).lazy()
    assert_same(
        score_all(shuffled, persons, AS_OF, GRADED, CATALOGUE), score_all(rows, persons, AS_OF, GRADED, CATALOGUE)
    )
