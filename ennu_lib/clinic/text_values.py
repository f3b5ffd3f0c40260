"""Columns of made-up text, thousands of values at a time.

Text of one width is built as a matrix of bytes and handed to Arrow whole; longer text is put together from a pool of
fragments, so that a million notes cost a few gathers.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

from ennu_lib.clinic.words import WordList

Words = dict[str, WordList]
POOL = 64
BYTES_BEFORE_REPEAT = 1_048_583
WORDS_PER_SENTENCE = 7
MEAN_WORD_BYTES = 6
HEX_DIGITS = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
ZERO, LETTER_A = ord("0"), ord("A")


def text_of_bytes(matrix: np.ndarray) -> pl.Series:
    """Rows of an n x width matrix of ASCII codes as text."""
    n, width = matrix.shape
    offsets = np.arange(n + 1, dtype=np.int64) * width
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(matrix))]
    return pl.Series(pa.Array.from_buffers(pa.large_string(), n, buffers), dtype=pl.String)


def hexadecimal(rng: np.random.Generator, n: int, digits: int) -> pl.Series:
    """Random hexadecimal numbers of so many digits."""
    return text_of_bytes(HEX_DIGITS[rng.integers(0, 16, (n, digits), dtype=np.uint8)])


def uuids(rng: np.random.Generator, n: int) -> pl.Series:
    """Random version 4 UUIDs."""
    matrix = HEX_DIGITS[rng.integers(0, 16, (n, 36), dtype=np.uint8)]
    matrix[:, [8, 13, 18, 23]] = ord("-")
    matrix[:, 14] = ord("4")
    return text_of_bytes(matrix)


def codes(rng: np.random.Generator, n: int, pattern: str) -> pl.Series:
    """The pattern with every `#` a random digit and every `?` a random capital letter."""
    form = np.frombuffer(pattern.encode("ascii"), dtype=np.uint8)
    digits, letters = form == ord("#"), form == ord("?")
    matrix = np.tile(form, (n, 1))
    matrix[:, digits] = rng.integers(ZERO, ZERO + 10, (n, digits.sum()), dtype=np.uint8)
    matrix[:, letters] = rng.integers(LETTER_A, LETTER_A + 26, (n, letters.sum()), dtype=np.uint8)
    return text_of_bytes(matrix)


def running_codes(numbers: np.ndarray, pattern: str) -> pl.Series:
    """The pattern with its `#` and `?` replaced by the digits of a running number, so that no two are the same."""
    places = [position for position, char in enumerate(pattern) if char in "#?"]
    matrix = np.tile(np.frombuffer(pattern.encode("ascii"), dtype=np.uint8), (len(numbers), 1))
    rest = np.asarray(numbers, dtype=np.int64).copy()
    for position in reversed(places):
        base, zero = (10, ZERO) if pattern[position] == "#" else (26, LETTER_A)
        matrix[:, position] = rest % base + zero
        rest //= base
    return text_of_bytes(matrix)


def blobs(rng: np.random.Generator, n: int, mean_bytes: int) -> pl.Series:
    """Random bytes, half to one and a half times `mean_bytes` long; they repeat after a prime number of bytes."""
    lengths = rng.integers(max(mean_bytes // 2, 1), mean_bytes * 3 // 2 + 1, n)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    content = np.resize(np.frombuffer(rng.bytes(BYTES_BEFORE_REPEAT), dtype=np.uint8), int(offsets[-1]))
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(content)]
    return pl.Series(pa.Array.from_buffers(pa.large_binary(), n, buffers), dtype=pl.Binary)


def joined(*parts: pl.Series | str) -> pl.Series:
    """Text put together from columns and constants, row by row."""
    columns = [pl.lit(part) if isinstance(part, str) else pl.lit(part.rename("")) for part in parts]
    return pl.select(pl.concat_str(columns).alias("text"))["text"]


def sentences(rng: np.random.Generator, n: int, words: Words) -> pl.Series:
    """One sentence a row."""
    return joined(words["sentence_opening"].draw(rng, n), " ", words["sentence_ending"].draw(rng, n))


def some_words(rng: np.random.Generator, n: int, count: int, words: Words) -> pl.Series:
    """So many words a row, the first with a capital."""
    parts: list[pl.Series | str] = [words["word"].draw(rng, n).str.to_titlecase()]
    for _ in range(count - 1):
        parts += [" ", words["word"].draw(rng, n)]
    return joined(*parts)


def notes(rng: np.random.Generator, n: int, count: int, words: Words) -> pl.Series:
    """Narrative of about `count` words a row: a beginning, a middle and an end, each drawn from a pool."""
    each = max(count // (3 * WORDS_PER_SENTENCE), 1)
    parts: list[pl.Series | str] = []
    for _ in range(3):
        parts += [_paragraphs(rng, each, words).gather(rng.integers(0, POOL, n)), "\n"]
    return joined(*parts[:-1])


def _paragraphs(rng: np.random.Generator, mean_sentences: int, words: Words) -> pl.Series:
    """A pool of paragraphs, half to one and a half times `mean_sentences` long."""
    lengths = rng.integers(max(mean_sentences // 2, 1), mean_sentences * 3 // 2 + 1, POOL)
    pool = iter(sentences(rng, int(lengths.sum()), words).to_list())
    return pl.Series([" ".join(next(pool) for _ in range(length)) for length in lengths])


def xml_documents(rng: np.random.Generator, n: int, count: int, words: Words) -> pl.Series:
    """A clinical document of about `count` words a row, as XML."""
    opening = '<?xml version="1.0"?><ClinicalDocument><id extension="'
    text = joined(opening, hexadecimal(rng, n, 16), '"/><component><text>', notes(rng, n, count, words))
    return joined(text, "</text></component></ClinicalDocument>")


def json_objects(rng: np.random.Generator, n: int) -> pl.Series:
    """A small JSON object a row: answers to questions on a scale of 0 to 4."""
    parts: list[pl.Series | str] = ["{"]
    answers = pl.Series([str(value) for value in range(5)])
    for question in range(1, 9):
        comma = "" if question == 1 else ", "
        parts += [f'{comma}"q{question}": ', answers.gather(rng.integers(0, 5, n))]
    return joined(*parts, "}")


def person_names(rng: np.random.Generator, n: int, words: Words) -> pl.Series:
    """Given name and family name."""
    return joined(words["given_name"].draw(rng, n), " ", words["family_name"].draw(rng, n))


def emails(rng: np.random.Generator, n: int, words: Words) -> pl.Series:
    """Addresses in domains that are reserved for examples."""
    local = joined(words["given_name"].draw(rng, n), ".", words["family_name"].draw(rng, n), codes(rng, n, "##"))
    plain = local.str.to_lowercase().str.normalize("NFKD").str.replace_all(r"[^a-z0-9.]", "")
    return joined(plain, "@", words["mail_domain"].draw(rng, n))


def phones(rng: np.random.Generator, n: int) -> pl.Series:
    """Numbers of the range 555-0100 to 555-0199, which is kept free for fiction."""
    areas = pl.Series(["202", "303", "312", "415", "512", "602", "713", "818"])
    return joined("(", areas.gather(rng.integers(0, len(areas), n)), ") 555-01", codes(rng, n, "##"))


def ip_addresses(rng: np.random.Generator, n: int) -> pl.Series:
    """Addresses of the private network 10.0.0.0/8 and of the documentation range 203.0.113.0/24."""
    numbers = pl.Series([str(value) for value in range(256)])
    nets = pl.Series(["10.0.1.", "10.0.2.", "10.0.7.", "203.0.113."])
    return joined(nets.gather(rng.integers(0, 4, n)), numbers.gather(rng.integers(1, 255, n)))


def password_hashes(rng: np.random.Generator, n: int) -> pl.Series:
    """Text in the form of bcrypt hashes; no password belongs to them."""
    return joined("$2y$10$", hexadecimal(rng, n, 53))
