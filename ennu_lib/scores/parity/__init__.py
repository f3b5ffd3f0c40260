"""Parity: the stored scores against those recomputed as of their own day, each with the class that explains it."""

from ennu_lib.scores.parity.classes import ParityClass
from ennu_lib.scores.parity.compare import Parity, StoredParts, compare

__all__ = ["Parity", "ParityClass", "StoredParts", "compare"]
