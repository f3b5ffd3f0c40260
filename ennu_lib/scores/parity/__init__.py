"""Parity: the stored scores against those recomputed as of their own day, each with the class that explains it."""

from ennu_lib.scores.parity.classes import ParityClass
from ennu_lib.scores.parity.compare import Parity, StoredParts, compare
from ennu_lib.scores.parity.report import (
    change_table,
    class_table,
    compare_stored,
    component_table,
    parity_counts,
    parity_findings,
    parity_note,
)

__all__ = [
    "Parity",
    "ParityClass",
    "StoredParts",
    "change_table",
    "class_table",
    "compare",
    "compare_stored",
    "component_table",
    "parity_counts",
    "parity_findings",
    "parity_note",
]
