"""Phase 05: health scores, exactly and for all patients at once, with a reason for every value that does not count."""

from ennu_lib.scores.exact import score_patient
from ennu_lib.scores.measurement import Measurement
from ennu_lib.scores.outputs import (
    band_table,
    exclusion_table,
    run_measurements,
    score_bins,
    score_findings,
    score_parameters,
    scored_count,
    scored_people,
    shown_bins,
    status_table,
    write_scores,
)
from ennu_lib.scores.parity.report import (
    change_table,
    class_table,
    compare_stored,
    component_table,
    parity_counts,
    parity_findings,
    parity_note,
)
from ennu_lib.scores.preset import Preset, load_presets
from ennu_lib.scores.sources import resolution_counts, unresolved_names
from ennu_lib.scores.vectorised import score_all

__all__ = [
    "Measurement",
    "Preset",
    "band_table",
    "change_table",
    "class_table",
    "compare_stored",
    "component_table",
    "exclusion_table",
    "load_presets",
    "parity_counts",
    "parity_findings",
    "parity_note",
    "resolution_counts",
    "run_measurements",
    "score_all",
    "score_bins",
    "score_findings",
    "score_parameters",
    "score_patient",
    "scored_count",
    "scored_people",
    "shown_bins",
    "status_table",
    "unresolved_names",
    "write_scores",
]
