import numpy as np
import pytest

from ennu_lib.identity.evaluate import at_thresholds, pairs_within
from ennu_lib.identity.match import match_people
from ennu_lib.identity.model import HOUSEHOLD, MATCH, UNRELATED, _expectation_maximization, _without_known
from tests.support.family_people import family_people
from tests.support.identity_params import PARAMS


@pytest.fixture(scope="module")
def matched():
    table, truth = family_people(4000, seed=3)
    return table, pairs_within(truth, "patient_id", "person_id"), match_people(table, PARAMS)


def test_learning_converges_and_never_gets_worse_by_much(matched):
    trace = matched[2].scorer.model.log_likelihood
    assert matched[2].scorer.model.converged
    assert trace[-1] > trace[0]


def test_the_expected_number_of_duplicates_is_about_right(matched):
    _, true, found = matched
    assert found.summary["expected_duplicate_pairs"] == pytest.approx(len(true), rel=0.1)


def test_housemates_have_a_class_of_their_own(matched):
    model = matched[2].scorer.model
    share = dict(zip(model.fields, model.shares, strict=True))
    assert share["street"][HOUSEHOLD, -1] > 0.8 > 0.01 > share["street"][UNRELATED, -1]
    assert share["first_name"][MATCH, -1] > 0.7 > 0.1 > share["first_name"][HOUSEHOLD, -1]


def test_at_even_odds_precision_and_recall_are_high_without_labels(matched):
    _, true, found = matched
    even = at_thresholds(found.pairs, true, (0.5,)).row(0, named=True)
    assert even["precision"] > 0.96 and even["recall"] > 0.98


def test_shares_of_each_class_add_up_to_one(matched):
    for share in matched[2].scorer.model.shares:
        assert np.allclose(share[:, 1:].sum(axis=1), 1)


def test_the_waterfall_adds_up_to_the_weight_of_the_pair(matched):
    _, _, found = matched
    for pair in found.pairs[:: len(found.pairs) // 40].iter_rows(named=True):
        terms = found.waterfall(pair["left"], pair["right"])
        assert terms["weight"].sum() == pytest.approx(pair["bits"], abs=1e-3)


def test_agreement_on_a_rare_name_weighs_more_than_on_a_frequent_one(matched):
    table, _, found = matched
    scorer = found.scorer
    _, log_frequency = scorer._frequencies[scorer.comparer.fields.index("first_name")]
    names = table["first_name"].drop_nulls().str.to_lowercase().value_counts(sort=True)
    dictionary = scorer.people.dictionary("first_name").to_list()
    common, rare = (log_frequency[dictionary.index(names["first_name"][n])] for n in (0, -1))
    assert common > rare


def test_what_makes_a_model_doubtful_is_said_in_words(matched):
    model = matched[2].scorer.model
    assert model.doubts == []
    turned = [s[[UNRELATED, HOUSEHOLD, MATCH]] for s in model.shares]
    doubtful = type(model)(model.fields, turned, model.log_prior, [], False, 0.0, 0.0)
    assert "learning did not converge in the allowed rounds" in doubtful.doubts
    assert len(doubtful.doubts) == 1 + len(model.fields)


SIZES = [4, 4, 3, 5, 4, 5]
HOUSEHOLD_FIELD = [False, True, False, True, True, False]


def planted(random):
    """Shares of the three classes, and patterns drawn from them: 3 % matches, 6 % housemates, 91 % strangers."""
    kinds = {"same": [0.03, 0.05, 0.92], "other": [0.97, 0.02, 0.01]}
    shares = []
    for size, shared in zip(SIZES, HOUSEHOLD_FIELD, strict=True):
        middle = size - 3
        three = [kinds["same"], kinds["same"] if shared else kinds["other"], kinds["other"]]
        shares.append(np.array([[0, low, *[mid / max(middle, 1)] * middle, high] for low, mid, high in three]))
        shares[-1] /= shares[-1].sum(axis=1, keepdims=True)
    kind = random.choice(3, 60_000, p=[0.03, 0.06, 0.91])
    draws = [[random.choice(size, p=s[k]) for k in kind] for size, s in zip(SIZES, shares, strict=True)]
    return shares, np.unique(np.array(draws, np.int8).T, axis=0, return_counts=True)


@pytest.mark.slow
def test_planted_shares_are_found_again():
    shares, (patterns, counts) = planted(np.random.default_rng(1))
    records = 347  # about 60,000 pairs
    start_match = [np.array([0, 0.1, *[0.1 / max(n - 3, 1)] * (n - 3), 0.8]) for n in SIZES]
    start_home = [
        m if shared else s[UNRELATED] for m, shared, s in zip(start_match, HOUSEHOLD_FIELD, shares, strict=True)
    ]
    counted = [np.array([0.03, 0.06, 0.91]) @ s for s in shares]  # strangers' agreement is counted over all pairs
    start = (start_match, start_home, counted)
    model = _expectation_maximization(
        patterns, counts.astype(float), list("abcdef"), start, HOUSEHOLD_FIELD, records, PARAMS.model
    )
    assert model.converged
    assert model.expected_matches == pytest.approx(1800, rel=0.1)
    assert model.expected_household_pairs == pytest.approx(3600, rel=0.1)
    for found, true in zip(model.shares, shares, strict=True):
        assert np.allclose(found[MATCH], true[MATCH], atol=0.03)
        assert np.allclose(found[UNRELATED], true[UNRELATED], atol=0.005)


def test_matches_are_taken_out_of_the_agreement_of_strangers():
    unrelated, match, home = np.array([0, 0.98, 0.02]), np.array([0, 0.1, 0.9]), np.array([0, 0.9, 0.1])
    prior = np.array([0.01, 0.0, 0.99])
    assert _without_known(unrelated, match, home, prior)[-1] == pytest.approx((0.02 - 0.009) / 0.99)
    every = _without_known(unrelated, match, home, np.array([0.1, 0.0, 0.9]))
    assert 0 < every[-1] < 0.02 and every.sum() == pytest.approx(1)
