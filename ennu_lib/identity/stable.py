"""Identifiers of golden records that stay the same from run to run."""

from collections.abc import Callable

import polars as pl

Pseudonym = Callable[[list[str]], list[str]]


def golden_ids(keys: pl.Series, label, pseudonym: Pseudonym | None, previous: pl.DataFrame | None) -> pl.Series:
    """One golden_id per record.

    A cluster keeps the id that most of its members had in `previous` (key, golden_id); each old id goes to one cluster
    only, the one with most of its members. A new cluster takes the pseudonym of its lowest key (the key itself
    without `pseudonym`), which is free because a key starts at most one cluster.
    """
    frame = pl.DataFrame({"key": keys.cast(pl.String), "label": label})
    names = frame["key"].gather(frame["label"].unique().sort())
    fresh = pl.DataFrame(
        {"label": frame["label"].unique().sort(), "fresh": pseudonym(names.to_list()) if pseudonym else names}
    )
    if previous is None:
        return frame.join(fresh, on="label", how="left", maintain_order="left")["fresh"].alias("golden_id")
    inherited = _inherited(frame, previous)
    taken = pl.col("fresh").is_in(inherited["golden_id"].implode())
    fresh = fresh.join(inherited.select("label", "golden_id"), on="label", how="left")
    # An old id may have wandered to another cluster than the one its key now starts; then that one gets a variant.
    unused = pl.when(taken).then(pl.col("fresh") + "-2").otherwise(pl.col("fresh"))
    fresh = fresh.with_columns(golden_id=pl.coalesce("golden_id", unused))
    return frame.join(fresh, on="label", how="left", maintain_order="left")["golden_id"]


def _inherited(frame: pl.DataFrame, previous: pl.DataFrame) -> pl.DataFrame:
    """label, golden_id of the clusters that keep an old id; ties go to the cluster with the lower first key."""
    old = previous.select(pl.col("key").cast(pl.String), pl.col("golden_id").cast(pl.String))
    votes = frame.join(old, on="key").group_by("label", "golden_id").agg(votes=pl.len())
    votes = votes.sort(["votes", "label", "golden_id"], descending=[True, False, False])
    best = votes.unique("label", keep="first", maintain_order=True)
    return best.unique("golden_id", keep="first", maintain_order=True)
