"""Check digits of the identifiers that a clinic keeps, for whole arrays of numbers at once."""

from __future__ import annotations

import numpy as np
import polars as pl

# Multiplication (dihedral group D5) and permutation tables of the Verhoeff scheme.
_D5 = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
        [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
        [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
        [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
        [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
        [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
        [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
        [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
        [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
    ],
)
_INVERSE = np.array([0, 4, 3, 2, 1, 5, 6, 7, 8, 9])
_FIRST_PERMUTATION = np.array([1, 5, 7, 6, 2, 8, 3, 0, 9, 4])


def _verhoeff_permutations() -> np.ndarray:
    rows = [np.arange(10)]
    for _ in range(7):
        rows.append(_FIRST_PERMUTATION[rows[-1]])
    return np.array(rows)


_PERMUTATIONS = _verhoeff_permutations()


def luhn_digit(numbers: np.ndarray) -> np.ndarray:
    """The Luhn (modulus 10) check digit to append to each number; also LOINC's "mod 10" digit."""
    total = np.zeros(len(numbers), dtype=np.int64)
    rest = np.asarray(numbers, dtype=np.int64).copy()
    double = True
    while rest.any():
        digit = rest % 10 * (2 if double else 1)
        total += digit // 10 + digit % 10
        rest //= 10
        double = not double
    return -total % 10


def verhoeff_digit(numbers: np.ndarray) -> np.ndarray:
    """The Verhoeff check digit to append to each number, as SNOMED CT identifiers end in one."""
    check = np.zeros(len(numbers), dtype=np.int64)
    rest = np.asarray(numbers, dtype=np.int64).copy()
    place = 1
    while rest.any():
        taken = _D5[check, _PERMUTATIONS[place % 8][rest % 10]]
        check = np.where(rest > 0, taken, check)
        rest //= 10
        place += 1
    return _INVERSE[check]


def npis(bodies: np.ndarray) -> pl.Series:
    """National provider identifiers of nine-digit bodies that begin with 1 or 2: Luhn over 80840 and the body."""
    digits = luhn_digit(80840 * 10**9 + np.asarray(bodies, dtype=np.int64))
    return pl.Series(values=np.asarray(bodies, dtype=np.int64) * 10 + digits).cast(pl.String)


def loinc_numbers(bodies: np.ndarray) -> pl.Series:
    """LOINC codes of these numbers, each with its check digit after a dash."""
    digits = pl.Series(values=luhn_digit(bodies)).cast(pl.String)
    return pl.Series(values=np.asarray(bodies, dtype=np.int64)).cast(pl.String) + "-" + digits


def sctids(items: np.ndarray) -> np.ndarray:
    """SNOMED CT concept ids in the long form: item, namespace 1000999, partition 10, Verhoeff digit."""
    bodies = np.asarray(items, dtype=np.int64) * 10**9 + 1000999 * 100 + 10
    return bodies * 10 + verhoeff_digit(bodies)
