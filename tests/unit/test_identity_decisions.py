import polars as pl
import pytest

from ennu_lib.errors import ConfigurationError
from ennu_lib.identity.decisions import SCHEMA, replay
from ennu_lib.identity.match import match_people
from tests.support.family_people import family_people
from tests.support.identity_params import PARAMS

KEYS = pl.Series([10, 20, 30])


def events(*rows):
    filled = [{"who": "reviewer", "why": "called the patient", **row} for row in rows]
    return pl.DataFrame(filled, schema=SCHEMA)


def event(left, right, decision, when="2026-01-01T00:00:00"):
    return {"left": str(left), "right": str(right), "decision": decision, "when": when}


def test_the_latest_decision_about_a_pair_is_in_force():
    found = replay(
        events(event(20, 10, "cannot_link", "2026-02-01"), event(10, 20, "must_link", "2026-01-01"),
               event(20, 30, "cannot_link", "2026-01-01"), event(20, 30, "withdrawn", "2026-03-01")), KEYS
    )  # fmt: skip
    assert found.must.tolist() == []
    assert found.cannot.tolist() == [[0, 1]]


def test_decisions_about_rows_that_are_gone_are_counted():
    found = replay(events(event(10, 99, "must_link"), event(10, 20, "must_link")), KEYS)
    assert found.stale == 1 and found.must.tolist() == [[0, 1]]


def test_events_without_who_when_why_or_with_unknown_words_are_refused_together():
    wrong = events(event(10, 20, "merge"), {**event(10, 30, "must_link"), "who": " "})
    with pytest.raises(ConfigurationError) as caught:
        replay(wrong, KEYS)
    assert len(caught.value.mistakes) == 2
    assert "10" not in str(caught.value).replace("number 1", "")


def test_a_missing_column_is_refused():
    with pytest.raises(ConfigurationError, match="column 'why' is missing"):
        replay(events(event(10, 20, "must_link")).drop("why"), KEYS)


@pytest.fixture(scope="module")
def clinic():
    table, _ = family_people(1500, seed=5)
    return table, match_people(table, PARAMS)


def test_a_merge_that_a_person_refuses_stays_apart_and_one_they_want_is_made(clinic):
    table, first = clinic
    merged = first.pairs.filter(decision="auto-merge").row(0, named=True)
    asked = first.review.row(0, named=True)
    decided = events(
        event(merged["left"], merged["right"], "cannot_link"), event(asked["left"], asked["right"], "must_link")
    )
    found = match_people(table, PARAMS, decisions=decided)
    golden = dict(found.clusters.select("key", "golden_id").iter_rows())
    assert golden[merged["left"]] != golden[merged["right"]]
    assert golden[asked["left"]] == golden[asked["right"]]
    assert found.review.filter((pl.col("left") == asked["left"]) & (pl.col("right") == asked["right"])).is_empty()
    reasons = found.pairs.filter(pl.col("reason") == "decided by a person")
    assert len(reasons) == 2


def test_contradictory_decisions_are_a_finding_and_keep_people_apart(clinic):
    table, _ = clinic
    a, b, c = table["patient_id"].sort()[:3]
    decided = events(event(a, b, "must_link"), event(b, c, "must_link"), event(a, c, "cannot_link"))
    found = match_people(table, PARAMS, decisions=decided)
    golden = dict(found.clusters.select("key", "golden_id").iter_rows())
    assert golden[a] != golden[c]
    assert any("contradict each other" in finding for finding in found.findings)
