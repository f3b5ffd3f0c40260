"""Clusters that do not chain: who is one person, given what every pair inside a group says."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from ennu_lib.identity.params import IdentityParams
from ennu_lib.identity.score import NO_GUARD, Scorer

_APART = 1e6  # distance no average inside a cluster can bring below the cut


@dataclass(frozen=True)
class Clustering:
    """`label[i]` is the lowest position of record i's cluster. `too_large`: clusters given up for their size.

    `extra`: scored pairs inside groups that no blocking rule had proposed.
    """

    label: np.ndarray
    extra: pl.DataFrame
    too_large: np.ndarray
    split_groups: int


def automatic(params: IdentityParams) -> pl.Expr:
    """Pairs that may be merged without a person."""
    return (pl.col("probability") >= params.decision.auto_merge) & (pl.col("guard") == NO_GUARD)


def cluster(
    scored: pl.DataFrame, records: int, scorer: Scorer, params: IdentityParams, must: np.ndarray, cannot: np.ndarray
) -> Clustering:
    """Join records by automatic pairs and must-links, then split each group in which not everybody fits everybody.

    Groups of three and more are split by average linkage on the log odds of all their pairs, guards and cannot-links
    keep two records apart, and a cluster above the size cap is given up. `must` and `cannot` are pairs of positions.
    """
    edges = scored.filter(automatic(params)).select("left", "right").to_numpy().reshape(-1, 2)
    edges = _without(np.concatenate([edges, must.reshape(-1, 2)]).astype(np.int64), cannot)
    label = components(edges, records)
    sizes = np.bincount(label, minlength=records)
    suspicious = np.flatnonzero((sizes >= 3) & (sizes <= 5 * params.clusters.largest))
    too_large = np.flatnonzero(sizes > 5 * params.clusters.largest)
    groups = _groups(label, suspicious)
    distance, extra = _distances(groups, scored, scorer, params, must, cannot)
    split = 0
    for members, matrix in zip(groups, distance, strict=True):
        parts = _average_linkage(matrix, params.clusters.strongest_log_odds)
        split += parts.max() > 1
        for part in range(1, parts.max() + 1):
            label[members[parts == part]] = members[parts == part][0]
    sizes = np.bincount(label, minlength=records)
    too_large = np.union1d(too_large, np.flatnonzero(sizes > params.clusters.largest))
    given_up = _flags(too_large, records)[label]
    label[given_up] = np.flatnonzero(given_up)
    return Clustering(label, extra, np.flatnonzero(given_up), int(split))


def components(edges: np.ndarray, records: int) -> np.ndarray:
    """Per record the lowest position it is connected with."""
    graph = coo_matrix((np.ones(len(edges), np.int8), (edges[:, 0], edges[:, 1])), shape=(records, records))
    _, component = connected_components(graph, directed=False)
    first = np.full(component.max(initial=-1) + 1, records)
    np.minimum.at(first, component, np.arange(records))
    return first[component]


def _groups(label: np.ndarray, roots: np.ndarray) -> list[np.ndarray]:
    members = np.flatnonzero(_flags(roots, len(label))[label])
    order = members[np.argsort(label[members], kind="stable")]
    return np.split(order, np.flatnonzero(np.diff(label[order])) + 1) if len(order) else []


def _flags(positions: np.ndarray, records: int) -> np.ndarray:
    """Per record whether it is one of `positions`."""
    flags = np.zeros(records, bool)
    flags[positions] = True
    return flags


def _distances(groups, scored, scorer: Scorer, params: IdentityParams, must, cannot):
    """Per group the symmetric matrix of distances (ceiling minus log odds), every pair of it scored."""
    if not groups:
        return [], scored.clear()
    inside = [np.stack([g[i], g[j]]) for g in groups for i, j in [np.triu_indices(len(g), 1)]]
    left, right = np.concatenate(inside, axis=1)
    wanted = _pack(left, right)
    known = scored.select(_packed(), "log_odds", "guard").filter(pl.col("pair").is_in(pl.Series(wanted).implode()))
    missing = wanted[~np.isin(wanted, known["pair"].to_numpy())]
    extra = scorer.score_all(np.sort(missing))
    evidence = pl.concat([known, extra.select(_packed(), "log_odds", "guard")]).sort("pair")
    place = np.searchsorted(evidence["pair"].to_numpy(), wanted)
    limits = params.clusters
    distance = limits.strongest_log_odds - np.clip(
        evidence["log_odds"].to_numpy()[place].astype(float), limits.weakest_log_odds, limits.strongest_log_odds
    )
    distance[evidence["guard"].to_numpy()[place] != NO_GUARD] = _APART
    distance[np.isin(wanted, _pack_pairs(must))] = 0.0
    distance[np.isin(wanted, _pack_pairs(cannot))] = _APART
    bounds = np.cumsum([0] + [i.shape[1] for i in inside])
    return [distance[a:b] for a, b in pairwise(bounds)], extra


def _average_linkage(condensed: np.ndarray, cut: float) -> np.ndarray:
    """Part numbers from 1; a part's records have on average at least even odds with each other."""
    if condensed.max() <= cut:
        return np.ones(round((1 + (1 + 8 * len(condensed)) ** 0.5) / 2), np.int64)
    return fcluster(linkage(condensed, "average"), cut, "distance")


def bridges(scored: pl.DataFrame, label: np.ndarray) -> np.ndarray:
    """Rows of `scored` that alone hold two halves, of two records or more each, of one cluster together."""
    left, right = scored["left"].to_numpy(), scored["right"].to_numpy()
    sizes = np.bincount(label, minlength=len(label))
    row = np.flatnonzero((label[left] == label[right]) & (sizes[label[left]] >= 4))
    row = row[np.argsort(label[left[row]], kind="stable")]
    groups = np.split(row, np.flatnonzero(np.diff(label[left[row]])) + 1) if len(row) else []
    return np.array([r for group in groups for r in _bridges_of(group, left, right)], np.int64)


def _bridges_of(group: np.ndarray, left: np.ndarray, right: np.ndarray) -> list[int]:
    edges = list(zip(left[group].tolist(), right[group].tolist(), strict=True))
    near: dict[int, set[int]] = {}
    for a, b in edges:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    found = []
    for row, (a, b) in zip(group.tolist(), edges, strict=True):
        if near[a].isdisjoint(near[b]):  # an edge of a triangle is no bridge
            side = _reached(a, b, near)
            if b not in side and 2 <= len(side) <= len(near) - 2:
                found.append(row)
    return found


def _reached(start: int, without: int, near: dict[int, set[int]]) -> set[int]:
    """Everything connected with `start` when its edge to `without` is cut."""
    seen, pending = {start}, [start]
    while pending:
        here = pending.pop()
        new = near[here] - seen - ({without} if here == start else set())
        seen |= new
        pending.extend(new)
    return seen


def _packed() -> pl.Expr:
    return (pl.col("left").cast(pl.UInt64) * 2**32 + pl.col("right").cast(pl.UInt64)).alias("pair")


def _pack(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return left.astype(np.uint64) << np.uint64(32) | right.astype(np.uint64)


def _pack_pairs(pairs: np.ndarray) -> np.ndarray:
    pairs = np.sort(pairs.reshape(-1, 2), axis=1)
    return _pack(pairs[:, 0], pairs[:, 1])


def _without(edges: np.ndarray, cannot: np.ndarray) -> np.ndarray:
    return edges[~np.isin(_pack_pairs(edges), _pack_pairs(cannot))] if len(cannot) else edges
