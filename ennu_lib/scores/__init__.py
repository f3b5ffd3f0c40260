"""Phase 05: health scores, exactly and for all patients at once, with a reason for every value that does not count."""

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
from ennu_lib.scores.sources import resolution_counts, unresolved_names
from ennu_lib.scores.vectorised import score_all

__all__ = [
    "band_table",
    "exclusion_table",
    "resolution_counts",
    "run_measurements",
    "score_all",
    "score_bins",
    "score_findings",
    "score_parameters",
    "scored_count",
    "scored_people",
    "shown_bins",
    "status_table",
    "unresolved_names",
    "write_scores",
]
