"""Identity: which rows are one person, decided once, explained, and undoable (phase 03)."""

from ennu_lib.identity.evaluate import (
    answered_by_truth,
    at_thresholds,
    calibration,
    measure,
    pairs_within,
    threshold_curve,
)
from ennu_lib.identity.graph import merge_events, repair, replay_graph, split_events
from ennu_lib.identity.match import Identity, match_people
from ennu_lib.identity.outputs import (
    best_weights,
    cluster_sizes,
    crosswalk,
    decision_table,
    identity_findings,
    losing_summary,
    model_formats,
    second_opinion_table,
    write_identity,
)
from ennu_lib.identity.params import IdentityParams, load_identity_params
from ennu_lib.identity.tables import MatchedTable, append_decisions, match_table, read_decisions

__all__ = [
    "Identity",
    "IdentityParams",
    "MatchedTable",
    "answered_by_truth",
    "append_decisions",
    "at_thresholds",
    "best_weights",
    "calibration",
    "cluster_sizes",
    "crosswalk",
    "decision_table",
    "identity_findings",
    "load_identity_params",
    "losing_summary",
    "match_people",
    "match_table",
    "measure",
    "merge_events",
    "model_formats",
    "pairs_within",
    "read_decisions",
    "repair",
    "replay_graph",
    "second_opinion_table",
    "split_events",
    "threshold_curve",
    "write_identity",
]
