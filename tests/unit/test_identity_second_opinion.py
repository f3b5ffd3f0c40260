import numpy as np
import polars as pl
import pytest

from ennu_lib.identity.decide import decide
from ennu_lib.identity.decisions import replay
from ennu_lib.identity.people import standardize_people
from ennu_lib.identity.score import DISAGREES, NO_GUARD, SCORED
from ennu_lib.identity.second_opinion import Opinion, mark_disagreement, second_opinion
from tests.support.family_people import family_people
from tests.support.identity_params import PARAMS

NOTHING = pl.DataFrame(schema=SCORED)


@pytest.fixture(scope="module")
def people():
    table, _ = family_people(1500, seed=8)
    return standardize_people(table, PARAMS.columns, PARAMS, "patient_id")


def limits(**changes):
    return PARAMS.second_opinion.model_copy(update=changes)


def test_a_large_or_a_tiny_table_is_not_asked_about(people):
    assert "more than 1000 records" in second_opinion(people, NOTHING, limits(most_records=1000)).reason
    table, _ = family_people(30)
    tiny = standardize_people(table, PARAMS.columns, PARAMS, "patient_id")
    assert not second_opinion(tiny, NOTHING, limits()).heard


@pytest.mark.parametrize(("most_pairs", "said"), [(500_000, "more than 500000 pairs"), (10**9, "are alike")])
def test_rows_that_are_all_the_same_are_said_to_be_and_end_nothing(most_pairs, said):
    row = family_people(30)[0].head(1).drop("patient_id")
    same = row.select(pl.all().repeat_by(1200).explode()).with_row_index("patient_id")
    people = standardize_people(same, PARAMS.columns, PARAMS.model_copy(update={"placeholders": {}}), "patient_id")
    assert said in second_opinion(people, NOTHING, limits(most_pairs=most_pairs)).reason


def test_it_is_heard_only_where_it_largely_agrees(people):
    opinion = second_opinion(people, NOTHING, limits())
    assert opinion.agreement == 0 and not opinion.heard and len(opinion.matches) > 20
    same = [(m >> 32, m & 0xFFFFFFFF, 0, 9.0, 0.999, 0.0, NO_GUARD) for m in opinion.matches.tolist()]
    scored = pl.DataFrame(same, schema=SCORED, orient="row")
    assert second_opinion(people, scored, limits()).heard


def scored(*rows):
    full = [(left, right, 0, 0.0, probability, 0.0, guard) for left, right, probability, guard in rows]
    return pl.DataFrame(full, schema=SCORED, orient="row")


ROWS = scored(
    (0, 1, 0.997, -1), (0, 2, 0.9999, -1), (0, 3, 0.05, -1), (0, 4, 0.5, -1), (0, 5, 0.997, 2), (0, 6, 0.997, -1)
)


def test_disagreements_are_guarded_unless_we_are_nearly_certain_or_guarded_already():
    asked = np.array([1, 2, 3, 4, 5], np.uint64)
    opinion = Opinion(asked, np.array([3], np.uint64), 0.95)
    marked = mark_disagreement(ROWS, opinion, PARAMS)["guard"].to_list()
    assert marked == [DISAGREES, NO_GUARD, DISAGREES, NO_GUARD, 2, NO_GUARD]


def test_an_opinion_that_is_not_heard_changes_nothing():
    opinion = Opinion(np.array([1], np.uint64), np.array([], np.uint64), 0.2, "it agrees with too little")
    assert mark_disagreement(ROWS, opinion, PARAMS).equals(ROWS)


def test_a_disagreement_is_reviewed_under_its_name():
    rows = scored((0, 1, 0.997, DISAGREES), (2, 3, 0.05, DISAGREES), (4, 5, 0.05, NO_GUARD))
    decided = decide(rows, np.arange(6), np.array([]), PARAMS, replay(None, pl.Series([])).packed())
    assert decided["decision"].to_list() == ["review", "review", "distinct"]
    assert decided["reason"].to_list()[:2] == ["second opinion disagrees"] * 2
