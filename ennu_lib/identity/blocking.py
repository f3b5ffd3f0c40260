"""Candidate pairs: only records that share every key of a blocking rule are compared."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import polars as pl

from ennu_lib.errors import ConfigurationError
from ennu_lib.identity.blocking_keys import BlockingKeys, blocking_keys
from ennu_lib.identity.params import Blocking
from ennu_lib.identity.people import People

LOW = np.uint64(0xFFFFFFFF)
_GOLDEN_RATIO = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Candidates:
    """Pairs to compare, each as left << 32 | right with left < right (positions in the key order), sorted.

    `summary`: per rule the blocks, the pairs it makes, and what was left out because a block was above the cap.
    """

    pairs: np.ndarray
    summary: pl.DataFrame

    @property
    def left(self) -> np.ndarray:
        return (self.pairs >> np.uint64(32)).astype(np.int64)

    @property
    def right(self) -> np.ndarray:
        return (self.pairs & LOW).astype(np.int64)


def candidate_pairs(people: People, params: Blocking, nicknames: dict[str, tuple[str, ...]]) -> Candidates:
    """Run the blocking rules. Every rule's pair count is known before its self-join runs; blocks above the cap, and the
    largest ones when all rules together would exceed the budget, are left out and counted.
    Raises ConfigurationError for a rule with an unknown key."""
    rows, found = [], [np.empty(0, np.uint64)]
    for run in blocks_of(people, params, nicknames):
        pairs = _self_join(run)
        rows.append(rule_summary(run, len(pairs)))
        found.append(pairs)
    return Candidates(_sorted_distinct(np.concatenate(found)), pl.DataFrame(rows, infer_schema_length=None))


def blocks_of(people: People, params: Blocking, nicknames: dict[str, tuple[str, ...]]) -> list[_Run]:
    """Who is in the blocks of each rule, after the caps; raises as `candidate_pairs` does."""
    keys = blocking_keys(people, nicknames)
    rules = [*params.rules, *params.broad_rules]
    unknown = sorted({key for rule in rules for key in rule} - set(keys))
    if unknown:
        raise ConfigurationError("blocking rules", [f"unknown key {key!r}" for key in unknown])
    records = len(people)
    allowed = [params.pairs_per_record] * len(params.rules) + [params.broad_pairs_per_record] * len(params.broad_rules)
    allowed = [max(params.least_pairs, int(share * records)) for share in allowed]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as workers:  # sorting and hashing leave the interpreter alone
        runs = list(workers.map(lambda one: _prepare(*one, keys, params, records), zip(rules, allowed, strict=True)))
    return _within_budget(runs, min(params.most_pairs, params.most_pairs_per_record * max(records, 20)))


@dataclass(frozen=True)
class _Run:
    """A rule about to run: how many blocks of each size it has, the cap on them, and who is in the blocks below it."""

    rule: list[str]
    sizes: pl.DataFrame  # size, blocks; sizes of two and more
    cap: int
    members: dict[int, np.ndarray]  # size -> blocks x size, records in rising order

    @property
    def predicted(self) -> int:
        return _pairs_of(self.sizes.filter(pl.col("size") <= self.cap))

    def capped(self, cap: int) -> _Run:
        return replace(self, cap=cap, members={size: m for size, m in self.members.items() if size <= cap})


def _prepare(rule: list[str], allowance: int, keys: BlockingKeys, params: Blocking, records: int) -> _Run:
    record, block = _membership(rule, keys, records)
    starts = np.flatnonzero(np.concatenate([[True], block[1:] != block[:-1]])) if len(block) else np.empty(0, np.int64)
    size = np.diff(np.append(starts, len(block)))
    several = np.flatnonzero(size > 1)
    starts, size = starts[several], size[several]
    counts = np.bincount(size, minlength=3)
    shared = np.flatnonzero(counts)
    sizes = pl.DataFrame({"size": shared, "blocks": counts[shared]}, schema={"size": pl.Int64, "blocks": pl.Int64})
    cap = _cap_within(sizes, params.largest_block, allowance)
    members = {int(n): record[starts[size == n][:, None] + np.arange(n)] for n in shared if n <= cap}
    return _Run(rule, sizes, cap, members)


def _membership(rule: list[str], keys: BlockingKeys, records: int) -> tuple[np.ndarray, np.ndarray]:
    """record, block, sorted by both, for every record with all keys of the rule known; two phones put a record into two
    blocks. A block's number is a hash cut to the bits that the record number leaves free (44 at a million records): a
    collision, less than one to be expected there, only proposes a pair too many."""
    bits = np.uint64(max(int(records - 1).bit_length(), 1))
    parts = [np.empty(0, np.uint64)]
    for columns in product(*(keys[key] for key in rule)):
        known = np.flatnonzero(np.logical_and.reduce([c >= 0 for c in columns]))
        block = _mixed([c[known] for c in columns])
        parts.append(block >> bits << bits | known.astype(np.uint64))
    both = np.sort(np.concatenate(parts))
    return (both & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.uint32), both >> bits


def _mixed(columns: list[np.ndarray]) -> np.ndarray:
    """A 64-bit hash of a combination of codes (the finalizer of SplitMix64, after each key)."""
    number = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        number = (number ^ column.astype(np.uint64)) + _GOLDEN_RATIO
        number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        number ^= number >> np.uint64(31)
    return number


def _pairs_of(sizes: pl.DataFrame) -> int:
    return int((sizes["size"] * (sizes["size"] - 1) // 2 * sizes["blocks"]).sum())


def _cap_within(sizes: pl.DataFrame, largest: int, allowance: int) -> int:
    """The largest block size at which a rule still makes at most `allowance` pairs."""
    made = (pl.col("size") * (pl.col("size") - 1) // 2 * pl.col("blocks")).cum_sum()
    fits = sizes.filter((pl.col("size") <= largest) & (made <= allowance))["size"]
    return largest if len(fits) == len(sizes) else int(fits.max() or 1)


def _within_budget(runs: list[_Run], budget: int) -> list[_Run]:
    """Halve the cap of the rule with the most pairs until all rules together fit."""
    made = [run.predicted for run in runs]
    while sum(made) > budget and any(run.cap > 2 for run in runs):
        heaviest = max(range(len(runs)), key=lambda n: (made[n] if runs[n].cap > 2 else -1, -n))
        runs[heaviest] = runs[heaviest].capped(max(2, runs[heaviest].cap // 2))
        made[heaviest] = runs[heaviest].predicted
    return runs


def _self_join(run: _Run) -> np.ndarray:
    """Every two records of every block, as packed pairs."""
    parts = [np.empty(0, np.uint64)]
    for size, members in run.members.items():
        first, second = np.triu_indices(size, 1)
        parts.append((members[:, first].astype(np.uint64) << np.uint64(32) | members[:, second]).ravel())
    return np.concatenate(parts)


def _sorted_distinct(numbers: np.ndarray) -> np.ndarray:
    numbers.sort()
    return numbers[np.concatenate([[True], numbers[1:] != numbers[:-1]])] if len(numbers) else numbers


def rule_summary(run: _Run, made: int) -> dict[str, str | int]:
    """What one rule did, as a row of `Candidates.summary`."""
    kept, dropped = run.sizes.filter(pl.col("size") <= run.cap), run.sizes.filter(pl.col("size") > run.cap)
    return {
        "rule": " + ".join(run.rule),
        "blocks": int(kept["blocks"].sum()),
        "predicted_pairs": run.predicted,
        "pairs": made,
        "cap": run.cap,
        "dropped_blocks": int(dropped["blocks"].sum()),
        "dropped_records": int((dropped["blocks"] * dropped["size"]).sum()),
        "dropped_pairs": _pairs_of(dropped),
        "largest_block": int(run.sizes["size"].max() or 0),
    }
