import numpy as np
import polars as pl
import pytest

from ennu_lib.identity.clusters import bridges, cluster
from ennu_lib.identity.score import NO_GUARD, SCORED
from tests.support.identity_params import PARAMS

NOBODY = np.empty((0, 2), np.int64)
STRONG, WEAK = 12.0, -6.0


def scored(*pairs):
    """Rows of (left, right, log odds) or (left, right, log odds, guard)."""
    rows = []
    for left, right, odds, *guard in pairs:
        probability = 1 / (1 + np.exp(-odds))
        rows.append((left, right, 0, odds, probability, 0.0, guard[0] if guard else NO_GUARD))
    return pl.DataFrame(rows, schema=SCORED, orient="row")


class Unasked:
    """Every pair is known already: comparing more would be a mistake of the test."""

    def score_all(self, pairs):
        assert not len(pairs)
        return pl.DataFrame(schema=SCORED)


def labels(pairs, records, must=NOBODY, cannot=NOBODY):
    return cluster(scored(*pairs), records, Unasked(), PARAMS, np.array(must), np.array(cannot))


def test_pairs_and_full_groups_are_joined_under_their_lowest_position():
    found = labels([(0, 1, STRONG), (2, 3, STRONG), (2, 4, STRONG), (3, 4, STRONG)], 6)
    assert found.label.tolist() == [0, 0, 2, 2, 2, 5]


def test_a_chain_whose_ends_disagree_is_split():
    found = labels([(0, 1, STRONG), (1, 2, 7.0), (0, 2, WEAK), (2, 3, STRONG), (0, 3, WEAK), (1, 3, WEAK)], 4)
    assert found.label.tolist() == [0, 0, 2, 2]
    assert found.split_groups == 1


def test_a_guarded_pair_is_never_in_one_cluster_even_through_a_third():
    found = labels([(0, 1, STRONG), (1, 2, 11.0), (0, 2, STRONG, 0)], 3)
    assert found.label[0] != found.label[2]


def test_people_outrank_the_model():
    pairs = [(0, 1, STRONG), (1, 2, STRONG), (0, 2, STRONG), (3, 4, WEAK)]
    found = labels(pairs, 5, must=[[3, 4]], cannot=[[0, 2]])
    assert found.label[0] != found.label[2]
    assert found.label[3] == found.label[4]


def test_a_must_link_overrules_a_guard():
    assert labels([(0, 1, STRONG, 0)], 2, must=[[0, 1]]).label.tolist() == [0, 0]


@pytest.mark.parametrize("records", [11, 60])
def test_a_cluster_above_the_cap_is_given_up(records):
    pairs = [(a, b, STRONG) for a in range(records) for b in range(a + 1, records)]
    found = labels(pairs, records)
    assert found.label.tolist() == list(range(records))
    assert len(found.too_large) == records


def test_a_bridge_alone_holds_two_halves_together():
    triangle = [(0, 1, STRONG), (0, 2, STRONG), (1, 2, STRONG)]
    pairs = scored(*triangle, (2, 3, STRONG), (3, 4, STRONG))
    assert bridges(pairs, np.zeros(5, np.int64)).tolist() == [3]


def test_a_dangling_record_hangs_on_no_bridge():
    pairs = scored((0, 1, STRONG), (0, 2, STRONG), (1, 2, STRONG), (2, 3, STRONG))
    assert bridges(pairs, np.zeros(4, np.int64)).tolist() == []
