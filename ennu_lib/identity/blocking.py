"""Candidate pairs: only records that share every key of a blocking rule are compared."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl
from recordlinkage.preprocessing import phonetic

from ennu_lib.errors import ConfigurationError
from ennu_lib.identity.params import Blocking
from ennu_lib.identity.people import People

LOW = np.uint64(0xFFFFFFFF)


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
    keys = _key_columns(people, nicknames)
    rules = [*params.rules, *params.broad_rules]
    _check(rules, keys)
    blocks = [_block_sizes(people, _variants(rule, keys)) for rule in rules]
    caps = _caps(blocks, params, len(people))
    rows, found = [], [np.empty(0, np.uint64)]
    for rule, sizes, cap in zip(rules, blocks, caps, strict=True):
        pairs = _self_join(people, _variants(rule, keys), cap)
        rows.append(_rule_summary(rule, sizes, cap, len(pairs)))
        found.append(pairs)
    return Candidates(np.unique(np.concatenate(found)), pl.DataFrame(rows, infer_schema_length=None))


def blocking_keys() -> dict[str, Callable]:
    """The derived keys a rule may name besides the fields themselves."""
    return _DERIVED


def _slice(start: int, length: int | None) -> Callable[[pl.Series], pl.Series]:
    return lambda values: values.str.slice(start, length)


def _sound(values: pl.Series) -> pl.Series:
    return pl.Series(phonetic(pd.Series(values.to_list(), dtype=object), "metaphone").to_numpy(), dtype=pl.String)


_DERIVED: dict[str, tuple[str, Callable[[pl.Series], pl.Series]]] = {
    "first_initial": ("first_name", _slice(0, 1)),
    "ssn_end": ("ssn", _slice(-4, None)),
    "first_two": ("first_name", _slice(0, 2)),
    "last_three": ("last_name", _slice(0, 3)),
    "last_sound": ("last_name", _sound),
    "birth_year": ("birth_date", _slice(0, 4)),
    "birth_year_month": ("birth_date", _slice(0, 6)),
    "birth_month_day": ("birth_date", _slice(4, 4)),
}


def _key_columns(people: People, nicknames: dict[str, tuple[str, ...]]) -> dict[str, list[pl.Series]]:
    """Every blocking key as one or several columns of codes; a key of an absent field is an empty list."""
    keys = {f: [people.codes[c] for c in people.columns.get(f, [])] for f in (*people.columns, *people.absent)}
    for name, (field, derive) in _DERIVED.items():
        keys[name] = [_derived(people, column, derive) for column in people.columns.get(field, [])]
    keys["first_root"] = _roots(people, nicknames)
    keys["name_pair"] = _name_pair(people)
    return keys


def _derived(people: People, column: str, derive: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Derive once per distinct value, then spread over the records."""
    used = people.codes[column].unique().drop_nulls().sort()
    derived = derive(people.dictionary(column).gather(used)).rank("dense").cast(pl.UInt32)
    return people.codes[column].replace_strict(used, derived, default=None, return_dtype=pl.UInt32)


def _roots(people: People, nicknames: dict[str, tuple[str, ...]]) -> list[pl.Series]:
    """The formal names a first or preferred name may stand for, at most two each."""
    columns = [c for f in ("first_name", "preferred_name") for c in people.columns.get(f, [])]
    result = []
    for column in columns:
        for place in range(2):
            result.append(_derived(people, column, lambda values, place=place: _root(values, nicknames, place)))
    return result


def _root(values: pl.Series, nicknames: dict[str, tuple[str, ...]], place: int) -> pl.Series:
    roots = ((nicknames.get(v) or (v,)) for v in values)
    return pl.Series([r[place] if place < len(r) else None for r in roots], dtype=pl.String)


def _name_pair(people: People) -> list[pl.Series]:
    if "first_name" not in people.columns or "last_name" not in people.columns:
        return []
    first, last = pl.col("first_name").cast(pl.UInt64), pl.col("last_name").cast(pl.UInt64)
    unordered = pl.min_horizontal(first, last) * 2**32 + pl.max_horizontal(first, last)
    known = first.is_not_null() & last.is_not_null()
    return [people.codes.select(pair=pl.when(known).then(unordered))["pair"]]


def _check(rules: list[list[str]], keys: dict[str, list[pl.Series]]) -> None:
    unknown = sorted({key for rule in rules for key in rule} - set(keys))
    if unknown:
        raise ConfigurationError("blocking rules", [f"unknown key {key!r}" for key in unknown])


def _variants(rule: list[str], keys: dict[str, list[pl.Series]]) -> list[list[pl.Series]]:
    """Every combination of the columns of a rule's keys (a record with two phones is in two blocks)."""
    combinations: list[list[pl.Series]] = [[]]
    for key in rule:
        combinations = [[*c, column] for c in combinations for column in keys[key]]
    return combinations


def _membership(people: People, variants: list[list[pl.Series]]) -> pl.DataFrame:
    """record, block for every record with all keys of the rule known."""
    parts = [pl.DataFrame(schema={"record": pl.UInt32, "block": pl.UInt64})]
    for columns in variants:
        frame = pl.DataFrame([c.alias(f"k{n}") for n, c in enumerate(columns)]).with_row_index("record").drop_nulls()
        parts.append(frame.select(pl.col("record").cast(pl.UInt32), block=pl.struct(pl.exclude("record")).hash(0)))
    members = pl.concat(parts)
    return members.unique() if len(variants) > 1 else members


def _block_sizes(people: People, variants: list[list[pl.Series]]) -> pl.DataFrame:
    """size, blocks: how many blocks of each size a rule makes."""
    sizes = _membership(people, variants).group_by("block").agg(size=pl.len().cast(pl.Int64))
    return sizes.filter(pl.col("size") > 1).group_by("size").agg(blocks=pl.len().cast(pl.Int64)).sort("size")


def _pairs_of(sizes: pl.DataFrame) -> int:
    return int((sizes["size"] * (sizes["size"] - 1) // 2 * sizes["blocks"]).sum())


def _caps(blocks: list[pl.DataFrame], params: Blocking, records: int) -> list[int]:
    """A cap per rule. A broad rule's is low enough for its own allowance; then the caps of the rules with the most pairs
    are halved until all fit the budget."""
    allowance = max(params.broad_least_pairs, int(params.broad_pairs_per_record * records))
    broad = [_cap_within(sizes, params.largest_block, allowance) for sizes in blocks[len(params.rules) :]]
    caps = [params.largest_block] * len(params.rules) + broad
    budget = min(params.most_pairs, params.most_pairs_per_record * max(records, 20))
    made = [_pairs_of(sizes.filter(pl.col("size") <= cap)) for sizes, cap in zip(blocks, caps, strict=True)]
    while sum(made) > budget and max(caps) > 2:
        heaviest = max(range(len(made)), key=lambda n: (made[n] if caps[n] > 2 else -1, -n))
        caps[heaviest] = max(2, caps[heaviest] // 2)
        made[heaviest] = _pairs_of(blocks[heaviest].filter(pl.col("size") <= caps[heaviest]))
    return caps


def _cap_within(sizes: pl.DataFrame, largest: int, allowance: int) -> int:
    """The largest block size at which a rule still makes at most `allowance` pairs."""
    made = (pl.col("size") * (pl.col("size") - 1) // 2 * pl.col("blocks")).cum_sum()
    fits = sizes.filter((pl.col("size") <= largest) & (made <= allowance))["size"]
    return largest if len(fits) == len(sizes) else int(fits.max() or 1)


def _self_join(people: People, variants: list[list[pl.Series]], cap: int) -> np.ndarray:
    members = _membership(people, variants)
    size = pl.len().over("block")
    members = members.filter((size > 1) & (size <= cap)).lazy()
    left, right = pl.col("record").cast(pl.UInt64), pl.col("record_right").cast(pl.UInt64)
    joined = members.join(members, on="block").filter(left < right).select(pair=left * 2**32 + right)
    return joined.unique().collect()["pair"].to_numpy()


def _rule_summary(rule: list[str], sizes: pl.DataFrame, cap: int, made: int) -> dict[str, str | int]:
    kept, dropped = sizes.filter(pl.col("size") <= cap), sizes.filter(pl.col("size") > cap)
    return {
        "rule": " + ".join(rule),
        "blocks": int(kept["blocks"].sum()),
        "predicted_pairs": _pairs_of(kept),
        "pairs": made,
        "cap": cap,
        "dropped_blocks": int(dropped["blocks"].sum()),
        "dropped_records": int((dropped["blocks"] * dropped["size"]).sum()),
        "dropped_pairs": _pairs_of(dropped),
        "largest_block": int(sizes["size"].max() or 0),
    }
