"""The hand-written generators, in the order in which they run; defects of their tables come last."""

from __future__ import annotations

from ennu_lib.clinic import finishing, office, people
from ennu_lib.clinic.finishing import defect_names
from ennu_lib.clinic.generate import Generator

__all__ = ["PER_CHUNK", "REFERENCE", "defect_names"]

REFERENCE: list[Generator] = [*people.REFERENCE, *office.REFERENCE, *finishing.REFERENCE]
PER_CHUNK: list[Generator] = [*people.PER_CHUNK, *office.PER_CHUNK, *finishing.PER_CHUNK]
