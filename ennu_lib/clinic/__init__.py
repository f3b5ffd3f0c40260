"""Builds a 189-table Open Medical database of synthetic patients with planted, labelled defects."""

from ennu_lib.clinic.build import ClinicSummary, build_clinic

__all__ = ["ClinicSummary", "build_clinic"]
