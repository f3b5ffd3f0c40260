"""What a run leaves behind: findings, the evidence of each phase, and where it came from."""

from ennu_lib.evidence.findings import Finding, RowReferences, Severity, Status, check, row_references, verdict_of
from ennu_lib.evidence.phase import Phase, begin_run, forget_evidence, open_phase, read_evidence, verify_needs
from ennu_lib.evidence.phases import PHASES, PhaseSpec, phase_spec
from ennu_lib.evidence.provenance import folder_sha256, provenance

__all__ = [
    "PHASES",
    "Finding",
    "Phase",
    "PhaseSpec",
    "RowReferences",
    "Severity",
    "Status",
    "begin_run",
    "check",
    "folder_sha256",
    "forget_evidence",
    "open_phase",
    "phase_spec",
    "provenance",
    "read_evidence",
    "row_references",
    "verdict_of",
    "verify_needs",
]
