"""One number for the content of a table: keyed, independent of row order, and aware of repeated rows.

The digest is the sum, modulo 2**256, of a keyed 256-bit hash of every row. A sum and not an exclusive-or: two equal
rows must not cancel each other. NULL, the empty string and the text 'NULL' are three different things in it.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.keys import Keys

MODULUS = 1 << 256


class TableDigest:
    """Add frames in any order and chunking; equal contents give equal `value()`."""

    def __init__(self, keys: Keys):
        self._keys = keys
        self._sum = 0
        self.rows = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Add the rows of `frame`; columns count in the order they stand."""
        if frame.is_empty():
            return
        digests = self._keys.row_digests(canonical_rows(frame).to_list())
        words = np.frombuffer(digests, dtype="<u4").reshape(-1, 8).sum(axis=0, dtype=np.uint64)
        self._sum = (self._sum + sum(int(word) << (32 * place) for place, word in enumerate(words))) % MODULUS
        self.rows += frame.height

    def value(self) -> str:
        """The digest so far, as 64 hexadecimal digits."""
        return f"{self._sum:064x}"


def canonical_rows(frame: pl.DataFrame) -> pl.Series:
    """Each row as one text in which every value carries its length, so that no two different rows look alike."""
    parts = [_field(frame.schema[name], name) for name in frame.columns]
    return frame.select(pl.concat_str(parts).alias("row"))["row"]


def _field(dtype: pl.DataType, name: str) -> pl.Expr:
    value = pl.col(name)
    text = value.bin.encode("hex") if dtype == pl.Binary else value.cast(pl.String)
    filled = text.fill_null("")
    length = pl.when(value.is_null()).then(pl.lit("~")).otherwise(filled.str.len_bytes().cast(pl.String))
    return pl.concat_str([length, pl.lit(":"), filled])
