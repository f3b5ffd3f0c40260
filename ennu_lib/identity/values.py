"""What level tests need to know of the values of one dictionary, worked out once per value and not once per pair."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import polars as pl

BUCKETS = 16  # characters are counted by the low four bits of their byte: ten digits apart, letters two to a bucket
_AT_ONCE = 500_000
_DATE = r"^\d{8}$"


class Values:
    """Facts about distinct values; every array has one entry per value."""

    def __init__(self, values: pl.Series, nicknames: dict[str, tuple[str, ...]]):
        self.values, self._nicknames = values, nicknames

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def length(self) -> np.ndarray:
        """Bytes, at most 255; what is longer counts as `unusual`."""
        return np.minimum(self.values.str.len_bytes().to_numpy(), 255).astype(np.int16)

    @cached_property
    def unusual(self) -> np.ndarray:
        """Where counting bytes is not counting characters: letters beyond ASCII, very long values."""
        bytes_, characters = self.values.str.len_bytes(), self.values.str.len_chars()
        return ((bytes_ != characters) | (bytes_ >= 255)).to_numpy()

    @cached_property
    def bag(self) -> np.ndarray:
        """values x BUCKETS: how often each kind of byte occurs."""
        parts = [self._bag_of(self.values.slice(start, _AT_ONCE)) for start in range(0, len(self), _AT_ONCE)]
        return np.concatenate(parts) if parts else np.empty((0, BUCKETS), np.uint8)

    @staticmethod
    def _bag_of(values: pl.Series) -> np.ndarray:
        lengths = values.str.len_bytes().to_numpy().astype(np.int64)
        letters = np.frombuffer("".join(values.to_list()).encode(), np.uint8) & np.uint8(BUCKETS - 1)
        place = np.repeat(np.arange(len(values), dtype=np.int64) * BUCKETS, lengths) + letters
        counts = np.bincount(place, minlength=len(values) * BUCKETS)
        return np.minimum(counts, 255).astype(np.uint8).reshape(-1, BUCKETS)

    @cached_property
    def head(self) -> np.ndarray:
        """The first four bytes as one number, the first in the highest place."""
        shown = self.values.str.slice(0, 4).str.pad_end(4, "\0").cast(pl.Binary).bin.slice(0, 4)
        return np.frombuffer(b"".join(shown.to_list()), ">u4").astype(np.uint32)

    @cached_property
    def spaced(self) -> np.ndarray:
        return self.values.str.contains(" ", literal=True).to_numpy()

    @cached_property
    def initial(self) -> np.ndarray:
        """A number for the first letter."""
        return self.values.str.slice(0, 1).rank("dense").fill_null(0).to_numpy()

    @cached_property
    def letter_alone(self) -> np.ndarray:
        return (self.values.str.len_chars() == 1).to_numpy()

    @cached_property
    def mailbox(self) -> np.ndarray:
        """A number for what stands before the @, where that is four characters or more; else -1."""
        return self.values.str.extract(r"^([^@]{4,})@").rank("dense").cast(pl.Int64).fill_null(-1).to_numpy()

    @cached_property
    def date(self) -> np.ndarray:
        """Eight digits as one number; -1 for anything else."""
        digits = pl.when(pl.col("v").str.contains(_DATE)).then(pl.col("v")).cast(pl.Int64)
        return pl.DataFrame({"v": self.values}).select(digits.fill_null(-1)).to_series().to_numpy()

    @cached_property
    def roots(self) -> np.ndarray:
        """values x most roots: numbers of the formal names each may stand for, itself among them; -1: no more."""
        own = [dict.fromkeys((name, *self._nicknames.get(name, ()))) for name in self.values]
        number: dict[str, int] = {}
        table = np.full((len(own), max(map(len, own), default=1)), -1, np.int32)
        for row, roots in zip(table, own, strict=True):
            row[: len(roots)] = [number.setdefault(root, len(number)) for root in roots]
        return table

    @cached_property
    def nicknamed(self) -> np.ndarray:
        return self.values.is_in(list(self._nicknames)).to_numpy()
