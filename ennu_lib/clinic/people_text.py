"""Spelling: accents folded, mojibake as old imports leave it, phones and dates in the formats people type."""

from __future__ import annotations

import numpy as np
import polars as pl

LETTERS_WITHOUT_PARTS = {"ß": "ss", "đ": "d", "Đ": "D", "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "æ": "ae"}
PHONE_STYLES = (
    "({a}) {e}-{l}",
    "{a}-{e}-{l}",
    "{a}.{e}.{l}",
    "{a}{e}{l}",
    "+1{a}{e}{l}",
    "1-{a}-{e}-{l}",
    "{a} {e} {l}",
)


def folded(name: pl.Expr) -> pl.Expr:
    """The name in plain ASCII letters: García becomes Garcia."""
    plain = name.str.normalize("NFKD").str.replace_all(r"\p{M}", "")
    return plain.str.replace_many(list(LETTERS_WITHOUT_PARTS), list(LETTERS_WITHOUT_PARTS.values()))


def email_word(name: pl.Expr) -> pl.Expr:
    """The letters and figures of a name that an email address may hold."""
    return folded(name).str.to_lowercase().str.replace_all(r"[^a-z0-9]", "")


def garbled(text: str) -> str:
    """UTF-8 read as Windows-1252, the commonest mojibake: García becomes GarcÃ­a."""
    return "".join(_as_cp1252(byte) for byte in text.encode("utf-8"))


def _as_cp1252(byte: int) -> str:
    try:
        return bytes([byte]).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)


def garbled_series(values: pl.Series) -> pl.Series:
    """`garbled` over the distinct values of a series."""
    distinct = [value for value in values.unique().to_list() if value is not None]
    if not distinct:
        return values
    return values.replace(distinct, [garbled(value) for value in distinct])


def valid_exchanges() -> np.ndarray:
    """Exchange codes of real numbers: 200 to 999 without N11 and without 555, which fiction uses."""
    codes = np.arange(200, 1000)
    return codes[(codes % 100 != 11) & (codes != 555)]


def draw_phones(rng: np.random.Generator, area: np.ndarray) -> np.ndarray:
    """Ten-figure North American numbers in the given area codes, as integers."""
    exchange = rng.choice(valid_exchanges(), len(area))
    return area.astype(np.int64) * 10_000_000 + exchange * 10_000 + rng.integers(0, 10_000, len(area))


def phone_text(number: pl.Expr, style: str = PHONE_STYLES[0]) -> pl.Expr:
    """A ten-figure number as text in one of PHONE_STYLES; NULL stays NULL."""
    digits = number.cast(pl.String)
    parts = {"{a}": digits.str.slice(0, 3), "{e}": digits.str.slice(3, 3), "{l}": digits.str.slice(6, 4)}
    return pl.format(_pattern(style), *(parts[slot] for slot in _slots(style)))


def _slots(style: str) -> list[str]:
    return [style[at : at + 3] for at, sign in enumerate(style) if sign == "{"]


def _pattern(style: str) -> str:
    for slot in ("{a}", "{e}", "{l}"):
        style = style.replace(slot, "{}")
    return style
