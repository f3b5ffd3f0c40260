"""Builds a 189-table Open Medical database of synthetic patients with planted, labelled defects."""

from ennu_lib.clinic.build import ClinicSummary, build_clinic
from ennu_lib.clinic.synthea import SyntheaSummary, import_synthea

__all__ = ["ClinicSummary", "SyntheaSummary", "build_clinic", "import_synthea"]
