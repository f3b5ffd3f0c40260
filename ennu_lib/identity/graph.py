"""The identity graph: clusters are a replay of automatic merges and of people's events, so that both can be undone."""

from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import polars as pl

from ennu_lib.errors import UsageError
from ennu_lib.identity.clusters import components
from ennu_lib.identity.decide import MERGED
from ennu_lib.identity.decisions import CANNOT_LINK, MUST_LINK, SCHEMA, WITHDRAWN, packed_pairs, replay
from ennu_lib.identity.stable import Pseudonym, golden_ids


@dataclass(frozen=True)
class Graph:
    """`clusters` (key, golden_id) after all events; `contradictions` (left, right): rows a person keeps apart that
    other links still join. They stay joined until somebody splits the group; a new matching run keeps them apart.
    `waiting` (left, right): guarded rows that one reviewer joined and that need another."""

    clusters: pl.DataFrame
    contradictions: pl.DataFrame
    waiting: pl.DataFrame


def replay_graph(
    clusters: pl.DataFrame,
    pairs: pl.DataFrame,
    events: pl.DataFrame | None,
    pseudonym: Pseudonym | None = None,
    reviewers_where_guarded: int = 1,
) -> Graph:
    """Apply review events to a finished matching run, without matching again.

    `clusters` and `pairs` are the run's; ids stay with the larger part of what is split and merged. A pair whose
    `guard` is named is joined only when so many reviewers say so. Raises ConfigurationError for wrong events (see
    decisions.replay).
    """
    clusters = clusters.select("key", "golden_id").sort("key")
    keys = clusters["key"]
    place = pl.DataFrame({"key": keys, "place": np.arange(len(keys))})
    guarded = pairs.filter(pl.col("guard").is_not_null()) if "guard" in pairs.columns else pairs.clear()
    risky = packed_pairs(np.sort(_places(guarded, place), axis=1))
    human = replay(events, keys).with_second_reviewer(risky, reviewers_where_guarded)
    edges = _places(pairs.filter(pl.col("decision") == MERGED), place)
    apart = {tuple(pair) for pair in human.cannot.tolist()}
    edges = np.array(
        [edge for edge in edges.tolist() if tuple(sorted(edge)) not in apart] or np.empty((0, 2)), np.int64
    )
    label = components(np.concatenate([edges, human.must]).astype(np.int64), len(keys))
    joined = human.cannot[label[human.cannot[:, 0]] == label[human.cannot[:, 1]]]
    ids = golden_ids(keys, label, pseudonym, clusters)
    return Graph(pl.DataFrame({"key": keys, "golden_id": ids}), _keyed(joined, keys), _keyed(human.waiting, keys))


def split_events(clusters: pl.DataFrame, golden_id: str, keys: list, who: str, when: str, why: str) -> pl.DataFrame:
    """The events that take `keys` out of a person, together: each is kept apart from everybody who stays.

    Raises UsageError when a key does not belong to the person or nobody would stay.
    """
    members = _members(clusters, golden_id)
    strangers = set(keys) - set(members)
    staying = [m for m in members if m not in set(keys)]
    if not keys or strangers or not staying:
        raise UsageError("name some, but not all, of the rows that this person has now; `show` lists them")
    return _events(product(staying, sorted(keys)), CANNOT_LINK, who, when, why)


def merge_events(clusters: pl.DataFrame, ids: list[str], who: str, when: str, why: str) -> pl.DataFrame:
    """The events that make several persons one: every row of one is joined with every row of the others.

    Raises UsageError for fewer than two or for an unknown id.
    """
    if len(set(ids)) < 2:
        raise UsageError("name at least two different persons to merge")
    members = [_members(clusters, golden_id) for golden_id in ids]
    pairs = [pair for one, other in combinations(members, 2) for pair in product(one, other)]
    return _events(pairs, MUST_LINK, who, when, why)


def freed(events: pl.DataFrame, clusters: pl.DataFrame, ids: list[str], who: str, when: str, why: str) -> pl.DataFrame:
    """Withdrawals of every decision that keeps rows of these persons apart; what a merge takes back first."""
    rows = clusters.filter(pl.col("golden_id").is_in(ids))
    owner = dict(rows.select(pl.col("key").cast(pl.String), "golden_id").rows())
    apart = events.filter(pl.col("decision") == CANNOT_LINK).select("left", "right").unique().sort("left", "right")
    between = [(a, b) for a, b in apart.rows() if a in owner and b in owner and owner[a] != owner[b]]
    return _events(between, WITHDRAWN, who, when, why)


def repair(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """What the target needs for one state of the graph to become the next.

    Columns action, golden_id, key, from_golden_id: `create` and `retire` a record, and `move` everything that
    hangs on a source row from one record to another; creates come first, retirements last.
    """
    old, new = (set(frame["golden_id"]) for frame in (before, after))
    moved = before.join(after, on="key", suffix="_after").filter(pl.col("golden_id") != pl.col("golden_id_after"))
    rows = [("create", golden_id, None, None) for golden_id in sorted(new - old)]
    rows += [
        ("move", b, str(k), a) for k, a, b in moved.select("key", "golden_id", "golden_id_after").sort("key").rows()
    ]
    rows += [("retire", golden_id, None, None) for golden_id in sorted(old - new)]
    columns = ("action", "golden_id", "key", "from_golden_id")
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def _members(clusters: pl.DataFrame, golden_id: str) -> list:
    members = clusters.filter(pl.col("golden_id") == golden_id)["key"].sort().to_list()
    if not members:
        raise UsageError("no person has this id; the clusters file lists all of them")
    return members


def _places(pairs: pl.DataFrame, place: pl.DataFrame) -> np.ndarray:
    for side in ("left", "right"):
        pairs = pairs.join(place.rename({"key": side, "place": f"{side}_place"}), on=side, how="inner")
    return pairs.select("left_place", "right_place").to_numpy().reshape(-1, 2)


def _keyed(pairs: np.ndarray, keys: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({"left": keys.gather(pairs[:, 0]), "right": keys.gather(pairs[:, 1])})


def _events(pairs, decision: str, who: str, when: str, why: str) -> pl.DataFrame:
    rows = [(str(left), str(right), decision, who, when, why) for left, right in pairs]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")
