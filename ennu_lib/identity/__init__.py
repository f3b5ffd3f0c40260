"""Identity: which rows are one person, decided once, explained, and undoable (phase 03)."""

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

__all__ = [
    "Identity",
    "IdentityParams",
    "best_weights",
    "cluster_sizes",
    "crosswalk",
    "decision_table",
    "identity_findings",
    "load_identity_params",
    "losing_summary",
    "match_people",
    "model_formats",
    "second_opinion_table",
    "write_identity",
]
