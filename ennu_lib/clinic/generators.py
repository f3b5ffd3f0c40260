"""The hand-written generators, in the order in which they run."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

FINISHING = "ennu_lib.clinic.finishing"
MODULES = ("ennu_lib.clinic.people", "ennu_lib.clinic.office", FINISHING)


def hand_written(kind: str) -> list:
    """Generators of one kind, `REFERENCE` or `PER_CHUNK`, of all modules that exist."""
    return [generator for name in MODULES if find_spec(name) for generator in getattr(import_module(name), kind)]


def defect_names() -> list[str]:
    """Every defect that the parameters may give a rate for."""
    return import_module(FINISHING).defect_names()
