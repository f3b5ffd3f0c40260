"""One number for the content of a table: keyed, independent of row order, and aware of repeated rows.

Each row is hashed with a key to 128 bits, and the digest is the sum of these modulo 2**128 (the MSet-Add-Hash of Clarke
and others, 2003). A sum and not an exclusive-or: two equal rows must not cancel each other. NULL, the empty string and
the text 'NULL' are three different things in it.

A row is hashed in two steps, each over many rows at once, because a call per row costs ten times as much:

1. Its values, as a row of 32-bit words, go through two independent multilinear hashes modulo 2**64 of which the upper
   halves count (Lemire and Kaser, "Strongly universal string hashing is fast", 2014). Two different rows get the same
   64-bit fingerprint with a probability of at most 2**-64, whatever they hold, as long as the key is unknown. Values
   longer than `LONGEST` bytes enter by their keyed 128-bit BLAKE2b.
2. The fingerprint goes through the rounds of SipHash-2-4 with a second key, 64 bits twice. Without this step the sum
   would be linear, and exchanging two values between rows would leave it as it was; without the key, nobody can try
   out whether a digest belongs to a guessed value.

So a table that was changed by chance or by somebody without the key keeps its digest with a probability below 2**-40
for 16 million changed rows (a union bound over step 1), and below 2**-63 for one row.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

from ennu_lib.keys import Keys

MODULUS = 1 << 128
BLOCK_ROWS = 16_384
LONGEST = 256
WORDS = LONGEST // 4
# Per column and hash: one key for NULL, one for the length, and one for each 32-bit word.
KEYS_OF_COLUMN = 2 + WORDS
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
TAILS = np.array([(1 << (8 * n)) - 1 for n in range(9)], dtype=np.uint64)
SIP = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)


class TableDigest:
    """Add frames in any order and chunking; equal contents give equal `value()`."""

    def __init__(self, keys: Keys):
        self._keys = keys
        self._columns: list[np.ndarray] = []
        self._final = np.frombuffer(keys.key_stream("row-digest", 32), dtype="<u8")
        self._sum = 0
        self.rows = 0

    def add(self, rows: pl.DataFrame | pa.Table) -> None:
        """Add the rows of `rows`; columns count in the order they stand."""
        table = rows.to_arrow() if isinstance(rows, pl.DataFrame) else rows
        for batch in table.combine_chunks().to_batches(max_chunksize=BLOCK_ROWS):
            if batch.num_rows:
                self._add(batch)
        self.rows += table.num_rows

    def value(self) -> str:
        """The digest so far, as 32 hexadecimal digits."""
        return f"{self._sum:032x}"

    def _add(self, batch: pa.RecordBatch) -> None:
        sums = np.zeros((2, batch.num_rows), dtype=np.uint64)
        for number, values in enumerate(batch.columns):
            _add_column(sums, values, self._keys_of(number), self._keys)
        fingerprints = (sums[0] >> HALF) << HALF | sums[1] >> HALF
        for place, hashed in enumerate(_sip(fingerprints, self._final)):
            total = int((hashed & LOW).sum()) + (int((hashed >> HALF).sum()) << 32)
            self._sum = (self._sum + (total << (64 * place))) % MODULUS

    def _keys_of(self, column: int) -> np.ndarray:
        """The keys of a column, by hash and place."""
        while len(self._columns) <= column:
            stream = self._keys.key_stream(f"row-digest/{len(self._columns)}", 2 * KEYS_OF_COLUMN * 8)
            self._columns.append(np.frombuffer(stream, dtype="<u8").reshape(2, KEYS_OF_COLUMN))
        return self._columns[column]


def _add_column(sums: np.ndarray, values: pa.Array, keys: np.ndarray, secret: Keys) -> None:
    """Add one column's words, times their keys, to the two sums of every row. The values of NULLs do not count."""
    filled = None
    if values.null_count:
        filled = values.is_valid().to_numpy(zero_copy_only=False)
        _weigh(sums, (~filled).astype(np.uint64), keys[:, 0])
    if pa.types.is_large_string(values.type) or pa.types.is_large_binary(values.type):
        _add_texts(sums, values, filled, keys, secret)
        return
    for place, words in enumerate(_numbers(values)):
        if filled is not None:
            words = np.where(filled, words, np.uint64(0))
        _weigh_pair(sums, words, keys, place)


def _numbers(values: pa.Array) -> list[np.ndarray]:
    """The 64-bit words of numbers, lowest first. Minus zero counts as zero: SQLite makes no difference."""
    rows = slice(values.offset, values.offset + len(values))
    if pa.types.is_boolean(values.type):
        return [values.cast(pa.uint8()).fill_null(0).to_numpy().astype(np.uint64)]
    if pa.types.is_null(values.type):
        return []
    held = np.frombuffer(values.buffers()[1], dtype=np.uint8)
    if pa.types.is_decimal128(values.type):
        pairs = held.view(np.uint64).reshape(-1, 2)[rows]
        return [pairs[:, 0], pairs[:, 1]]
    if pa.types.is_float64(values.type):
        return [(held.view(np.float64)[rows] + 0.0).view(np.uint64)]
    if pa.types.is_int64(values.type):
        return [held.view(np.uint64)[rows]]
    raise TypeError(f"no digest is defined for {values.type}")


def _add_texts(sums: np.ndarray, values: pa.Array, filled: np.ndarray | None, keys: np.ndarray, secret: Keys) -> None:
    offsets = np.frombuffer(values.buffers()[1], dtype=np.int64)[values.offset : values.offset + len(values) + 1]
    first, last = int(offsets[0]), int(offsets[-1])
    data = np.zeros(last - first + 8, dtype=np.uint8)
    if last > first:
        data[:-8] = np.frombuffer(values.buffers()[2], dtype=np.uint8)[first:last]
    starts = offsets[:-1] - first
    lengths = np.diff(offsets)
    if filled is not None:
        lengths = np.where(filled, lengths, 0)
    _weigh(sums, lengths.astype(np.uint64), keys[:, 1])
    for row in np.flatnonzero(lengths > LONGEST):
        digest = secret.value_digest(data[starts[row] : starts[row] + lengths[row]])
        words = np.frombuffer(digest, dtype="<u4").astype(np.uint64)
        sums[:, row] += (words * keys[:, 2 : 2 + len(words)]).sum(axis=1, dtype=np.uint64)
    # Eight bytes at any place, although numpy would rather have them aligned.
    eights = np.ndarray(len(data) - 7, dtype="<u8", buffer=data, strides=(1,))
    rows = np.flatnonzero((lengths > 0) & (lengths <= LONGEST))
    starts, lengths = starts[rows], lengths[rows]
    place = 0
    while rows.size:
        words = eights[starts] & TAILS[np.minimum(lengths, 8)]
        part = sums if rows.size == sums.shape[1] else sums[:, rows]
        _weigh_pair(part, words, keys, place)
        if part is not sums:
            sums[:, rows] = part
        on = np.flatnonzero(lengths > 8)
        rows, starts, lengths, place = rows[on], starts[on] + 8, lengths[on] - 8, place + 1


def _weigh_pair(sums: np.ndarray, words: np.ndarray, keys: np.ndarray, place: int) -> None:
    _weigh(sums, words & LOW, keys[:, 2 + 2 * place])
    _weigh(sums, words >> HALF, keys[:, 3 + 2 * place])


def _weigh(sums: np.ndarray, words: np.ndarray, keys: np.ndarray) -> None:
    for total, key in zip(sums, keys, strict=True):
        total += words * key


def _sip(words: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two keyed 64-bit hashes of every word: SipHash-2-4 of one block each, without the length that is always 8."""
    return tuple(_sip_once(words, keys[2 * n : 2 * n + 2]) for n in range(2))


def _sip_once(words: np.ndarray, key: np.ndarray) -> np.ndarray:
    state = [np.full(len(words), constant, dtype=np.uint64) ^ key[n % 2] for n, constant in enumerate(SIP)]
    spare = np.empty_like(words)
    state[3] ^= words
    for _ in range(2):
        _sip_round(state, spare)
    state[0] ^= words
    state[2] ^= np.uint64(0xFF)
    for _ in range(4):
        _sip_round(state, spare)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _sip_round(v: list[np.ndarray], spare: np.ndarray) -> None:
    for a, b, turn, swap in ((0, 1, 13, True), (2, 3, 16, False), (0, 3, 21, False), (2, 1, 17, True)):
        v[a] += v[b]
        _rotate(v[b], turn, spare)
        v[b] ^= v[a]
        if swap:
            _rotate(v[a], 32, spare)


def _rotate(words: np.ndarray, bits: int, spare: np.ndarray) -> None:
    np.right_shift(words, np.uint64(64 - bits), out=spare)
    words <<= np.uint64(bits)
    words |= spare
