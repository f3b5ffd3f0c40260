import numpy as np
import polars as pl

from ennu_lib.identity.stable import golden_ids

KEYS = pl.Series([1, 2, 3, 4])


def ids(label, previous=None, pseudonym=None):
    old = pl.DataFrame({"key": list(previous), "golden_id": list(previous.values())}) if previous else None
    return golden_ids(KEYS, np.array(label), pseudonym, old).to_list()


def test_a_new_cluster_is_named_after_its_lowest_key():
    assert ids([0, 0, 2, 3]) == ["1", "1", "3", "4"]
    assert ids([0, 0, 2, 3], pseudonym=lambda keys: [f"p{k}" for k in keys]) == ["p1", "p1", "p3", "p4"]


def test_a_cluster_that_grows_keeps_its_id():
    assert ids([0, 1, 0, 3], {3: "3", 2: "2", 4: "4"}) == ["3", "2", "3", "4"]


def test_the_larger_part_of_a_split_keeps_the_id():
    found = ids([0, 1, 1, 3], {1: "1", 2: "1", 3: "1", 4: "4"})
    assert found[1] == found[2] == "1"
    assert found[0] not in ("1", "4")
    assert found[3] == "4"


def test_merged_clusters_keep_the_id_of_the_larger_one():
    assert ids([0, 0, 0, 3], {1: "1", 2: "2", 3: "2", 4: "4"})[:3] == ["2", "2", "2"]
