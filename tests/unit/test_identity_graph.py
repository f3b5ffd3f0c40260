import polars as pl
import pytest

from ennu_lib.errors import UsageError
from ennu_lib.identity.graph import merge_events, repair, replay_graph, split_events

CLUSTERS = pl.DataFrame({"key": [1, 2, 3, 4, 5], "golden_id": ["a", "a", "a", "d", "e"]})
PAIRS = pl.DataFrame(
    {"left": [1, 1, 2, 1], "right": [2, 3, 3, 4], "decision": ["auto-merge", "auto-merge", "auto-merge", "review"]}
)
BY = {"who": "reviewer", "when": "2026-01-01", "why": "two charts"}


def golden(graph):
    return dict(graph.clusters.iter_rows())


def test_without_events_the_run_stands():
    assert golden(replay_graph(CLUSTERS, PAIRS, None)) == dict(CLUSTERS.iter_rows())


def test_a_split_takes_rows_out_and_the_larger_part_keeps_the_id():
    graph = replay_graph(CLUSTERS, PAIRS, split_events(CLUSTERS, "a", [3], **BY))
    assert golden(graph) == {1: "a", 2: "a", 3: "3", 4: "d", 5: "e"}
    assert graph.contradictions.is_empty()


def test_a_merge_makes_two_persons_one():
    graph = replay_graph(CLUSTERS, PAIRS, merge_events(CLUSTERS, ["a", "d"], **BY))
    assert golden(graph)[4] == "a"


def test_a_withdrawn_split_gives_the_person_back():
    split = split_events(CLUSTERS, "a", [3], **BY)
    back = split.with_columns(decision=pl.lit("withdrawn"), when=pl.lit("2026-02-01"))
    assert golden(replay_graph(CLUSTERS, PAIRS, pl.concat([split, back]))) == dict(CLUSTERS.iter_rows())


def test_a_pair_kept_apart_that_others_still_join_is_a_contradiction():
    only = split_events(CLUSTERS, "a", [3], **BY).filter(pl.col("left") == "1")
    graph = replay_graph(CLUSTERS, PAIRS, only)
    assert graph.contradictions.rows() == [(1, 3)]
    assert golden(graph)[1] == golden(graph)[3]


def test_the_repair_says_what_the_target_needs():
    split = replay_graph(CLUSTERS, PAIRS, split_events(CLUSTERS, "a", [3], **BY)).clusters
    assert repair(CLUSTERS, split).rows() == [("create", "3", None, None), ("move", "3", "3", "a")]
    merged = replay_graph(CLUSTERS, PAIRS, merge_events(CLUSTERS, ["a", "d"], **BY)).clusters
    assert repair(CLUSTERS, merged).rows() == [("move", "a", "4", "d"), ("retire", "d", None, None)]
    assert repair(CLUSTERS, CLUSTERS).is_empty()


@pytest.mark.parametrize("keys", [[], [1, 2, 3], [4]])
def test_a_split_must_leave_somebody_and_name_members_only(keys):
    with pytest.raises(UsageError):
        split_events(CLUSTERS, "a", keys, **BY)


@pytest.mark.parametrize("ids", [["a"], ["a", "a"], ["a", "nobody"]])
def test_a_merge_needs_two_known_persons(ids):
    with pytest.raises(UsageError):
        merge_events(CLUSTERS, ids, **BY)
