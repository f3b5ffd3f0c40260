"""Identity: which rows are one person, decided once, explained, and undoable (phase 03)."""

from ennu_lib.identity.clinical import facts_summary, read_facts, read_visits, united_facts
from ennu_lib.identity.decisions import agreement
from ennu_lib.identity.desk import Desk
from ennu_lib.identity.desk_open import open_browser, review_here
from ennu_lib.identity.evaluate import (
    answered_by_truth,
    at_thresholds,
    calibration,
    measure,
    pairs_within,
    threshold_curve,
)
from ennu_lib.identity.graph import Graph, freed, merge_events, repair, replay_graph, split_events
from ennu_lib.identity.match import Identity, match_people
from ennu_lib.identity.outputs import (
    best_weights,
    cluster_sizes,
    crosswalk,
    decision_table,
    folded_sizes,
    identity_findings,
    losing_summary,
    match_run,
    model_formats,
    second_opinion_table,
    unite_facts,
    write_identity,
)
from ennu_lib.identity.page import (
    curve,
    curve_drawn,
    differences,
    example,
    households,
    kinds_drawn,
    kinship,
    largest_groups,
    limits,
    reviewers,
    setting_in_force,
    settings,
    undecided,
)
from ennu_lib.identity.params import IdentityParams, load_identity_params
from ennu_lib.identity.registry import Registry
from ennu_lib.identity.review import answers, masked, side_by_side, worksheet
from ennu_lib.identity.scoring import TruthScore, score_run
from ennu_lib.identity.tables import MatchedTable, append_decisions, match_table, read_decisions

__all__ = [
    "Desk",
    "Graph",
    "Identity",
    "IdentityParams",
    "MatchedTable",
    "Registry",
    "TruthScore",
    "agreement",
    "answered_by_truth",
    "answers",
    "append_decisions",
    "at_thresholds",
    "best_weights",
    "calibration",
    "cluster_sizes",
    "crosswalk",
    "curve",
    "curve_drawn",
    "decision_table",
    "differences",
    "example",
    "facts_summary",
    "folded_sizes",
    "freed",
    "households",
    "identity_findings",
    "kinds_drawn",
    "kinship",
    "largest_groups",
    "limits",
    "load_identity_params",
    "losing_summary",
    "masked",
    "match_people",
    "match_run",
    "match_table",
    "measure",
    "merge_events",
    "model_formats",
    "open_browser",
    "pairs_within",
    "read_decisions",
    "read_facts",
    "read_visits",
    "repair",
    "replay_graph",
    "review_here",
    "reviewers",
    "score_run",
    "second_opinion_table",
    "setting_in_force",
    "settings",
    "side_by_side",
    "split_events",
    "threshold_curve",
    "undecided",
    "unite_facts",
    "united_facts",
    "worksheet",
    "write_identity",
]
