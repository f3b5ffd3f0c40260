import polars as pl
import pytest

from ennu_lib.errors import ConfigurationError
from ennu_lib.evidence import Status
from ennu_lib.identity.decisions import SCHEMA, agreement, replay
from ennu_lib.identity.match import match_people
from ennu_lib.identity.outputs import identity_findings
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
    wanted = event(asked["left"], asked["right"], "must_link")
    decided = events(
        event(merged["left"], merged["right"], "cannot_link"), wanted, {**wanted, "who": "second reviewer"}
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
    joins = [by(who, *pair, "must_link") for who in ("ann", "bob") for pair in ((a, b), (b, c))]
    decided = events(*joins, event(a, c, "cannot_link"))
    found = match_people(table, PARAMS, decisions=decided)
    golden = dict(found.clusters.select("key", "golden_id").iter_rows())
    assert golden[a] != golden[c]
    assert any("contradict each other" in finding for finding in found.findings)


def test_a_guarded_pair_waits_for_the_second_reviewer(clinic):
    table, first = clinic
    risky = first.review.filter(pl.col("guard").is_not_null()).row(0, named=True)
    found = match_people(table, PARAMS, decisions=events(event(risky["left"], risky["right"], "must_link")))
    pair = found.pairs.filter((pl.col("left") == risky["left"]) & (pl.col("right") == risky["right"])).row(
        0, named=True
    )
    assert (pair["decision"], pair["reason"]) == ("review", "waits for a second reviewer")
    assert "1 pairs wait for a second reviewer" in found.findings


def by(who, *rest):
    return {**event(*rest), "who": who}


def test_votes_that_differ_keep_the_pair_apart_and_are_named(clinic):
    both = (by("ann", 10, 20, "must_link"), by("bob", 10, 20, "cannot_link", "2025-01-01"))
    found = replay(events(*both), KEYS)
    assert found.must.tolist() == [] and found.disputed.tolist() == found.cannot.tolist() == [[0, 1]]
    agreed = replay(events(*both, by("bob", 10, 20, "must_link", "2026-02-01")), KEYS)
    assert agreed.must.tolist() == [[0, 1]] and agreed.votes.tolist() == [2]
    table, _ = clinic
    a, b = table["patient_id"].sort()[:2]
    matched = match_people(
        table, PARAMS, decisions=events(by("ann", a, b, "must_link"), by("bob", a, b, "cannot_link"))
    )
    assert "reviewers disagree about 1 pairs; they were kept apart" in matched.findings
    assert matched.pairs.filter(reason="reviewers disagree")["decision"].to_list() == ["review"]
    assert {f.id: f.status for f in identity_findings(matched)}["IDN-06"] == Status.FAIL


def test_a_withdrawal_takes_back_what_anybody_said_before():
    told = (by("ann", 10, 20, "must_link"), by("bob", 10, 20, "withdrawn", "2026-02-01"))
    assert len(replay(events(*told), KEYS).must) == 0
    assert replay(events(*told, by("ann", 10, 20, "cannot_link", "2026-03-01")), KEYS).cannot.tolist() == [[0, 1]]


def test_agreement_of_reviewers_is_cohens_kappa():
    """Two reviewers, ten pairs, 4 + 3 agreed: observed .7, by chance .5 * .6 + .5 * .4, kappa (.7 - .5) / .5 = .4."""
    answers = ["mm"] * 4 + ["cc"] * 3 + ["mc"] + ["cm"] * 2
    words = {"m": "must_link", "c": "cannot_link"}
    told = [
        by(who, 10 * n, 10 * n + 5, words[letter])
        for n, pair in enumerate(answers, 1) for who, letter in zip(("ann", "bob"), pair, strict=True)
    ]  # fmt: skip
    found = agreement(events(*told))
    assert (found["pairs_by_two"], found["agreed"]) == (10, 7)
    assert found["kappa"] == pytest.approx(0.4)
    assert agreement(events(*told[:2]))["kappa"] is None
    assert agreement(events()) == {"pairs_by_two": 0, "agreed": 0, "kappa": None}
