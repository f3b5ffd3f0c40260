"""From a table of people to golden records: the whole of phase 03 as one function on plain frames."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from ennu_lib.identity.blocking import Candidates, candidate_pairs
from ennu_lib.identity.clinical import Whereabouts
from ennu_lib.identity.clusters import Clustering, automatic, bridges, cluster
from ennu_lib.identity.compare import Comparer
from ennu_lib.identity.decide import MERGED, decide, name_kinds, review_queue
from ennu_lib.identity.decisions import Replayed, replay
from ennu_lib.identity.golden import golden_records
from ennu_lib.identity.model import MatchModel, exact_agreement, learn
from ennu_lib.identity.params import IdentityParams
from ennu_lib.identity.people import People, says_nothing, standardize_people
from ennu_lib.identity.score import NO_GUARD, Scorer, weights_table
from ennu_lib.identity.second_opinion import Opinion, mark_disagreement, second_opinion
from ennu_lib.identity.stable import Pseudonym, golden_ids

Progress = Callable[[str, int, int], None]
_PACKED = pl.col("left").cast(pl.UInt64) * 2**32 + pl.col("right").cast(pl.UInt64)


Engine = Callable[[People, Comparer, IdentityParams, Progress], tuple[Candidates, np.ndarray]]


def on_this_machine(
    people: People, comparer: Comparer, params: IdentityParams, tell: Progress
) -> tuple[Candidates, np.ndarray]:
    """Candidate pairs and their agreement patterns, made here."""
    tell("block", 0, 1)
    candidates = candidate_pairs(people, params.blocking, params.nicknames)
    return candidates, comparer.patterns(candidates.pairs, lambda done, total: tell("compare", done, total))


@dataclass(frozen=True)
class Identity:
    """What matching found. Every frame is in a fixed order; keys are the input's.

    pairs     left, right, probability, household, bits (log2 odds), kind, guard, decision, reason, bridge
    clusters  key, golden_id, role (survivor, merged, single), probability (of the strongest link), members
    golden    the input's columns, golden_id, members: one row per person
    review    one row per two clusters a person must decide about: place, the likeliest pair, golden_left, golden_right
    losing_values  golden_id, column, key, value, rule
    model     field, level, shares per class, weights in bits; `summary` holds its figures and `findings` its doubts
    blocking  per rule: blocks, predicted and made pairs, cap, what was dropped
    not_known per field: placeholders, unreadable and shared values that were nulled
    """

    pairs: pl.DataFrame
    clusters: pl.DataFrame
    golden: pl.DataFrame
    review: pl.DataFrame
    losing_values: pl.DataFrame
    model: pl.DataFrame
    blocking: pl.DataFrame
    not_known: pl.DataFrame
    summary: dict[str, int | float | bool | list[str]]
    findings: list[str] = field(default_factory=list)
    scorer: Scorer | None = field(default=None, repr=False)

    def waterfall(self, left, right) -> pl.DataFrame:
        """Why two rows, named by their keys, have their probability: term, level and weight in bits."""
        places = [int(np.flatnonzero((self.scorer.people.keys == key).to_numpy())[0]) for key in (left, right)]
        return self.scorer.waterfall(*sorted(places))


def match_people(
    patients: pl.LazyFrame | pl.DataFrame,
    params: IdentityParams,
    *,
    key: str = "patient_id",
    columns: dict[str, str | list[str]] | None = None,
    decisions: pl.DataFrame | None = None,
    previous: pl.DataFrame | None = None,
    visits: pl.DataFrame | None = None,
    pseudonym: Pseudonym | None = None,
    progress: Progress | None = None,
    engine: Engine = on_this_machine,
) -> Identity:
    """Find the rows that are one person and build golden records.

    `columns` maps fields to columns (default: the parameters'); `decisions` are review events (see decisions.py);
    `previous` (key, golden_id) keeps ids stable, and a survivor whose key is its golden_id; `visits` (see clinical.py)
    keep apart who was in two places at once; `pseudonym` makes ids from keys; `progress(step, done, total)`;
    `engine` makes and compares the pairs (see splink_engine.py for another than this machine).
    The same rows in any order give the same result. Raises SourceChanged when there is nothing to compare,
    ConfigurationError for repeated keys or wrong decisions.
    """
    tell = progress or (lambda step, done, total: None)
    columns = columns or params.columns
    tell("standardize", 0, 1)
    people = standardize_people(patients, columns, params, key)
    whereabouts = None
    if visits is not None and len(visits):
        whereabouts = Whereabouts(visits, people.keys, params.clinical.visits.shortest_overlap_minutes)
    linked = link(people, params, replay(decisions, people.keys), tell, whereabouts, engine)
    tell("golden records", 0, 1)
    return _identity(patients, key, columns, params, people, linked, previous, pseudonym)


@dataclass(frozen=True)
class Linked:
    """Blocks to clusters, on positions."""

    scorer: Scorer
    blocking: pl.DataFrame
    candidates: int
    scored: pl.DataFrame
    clustering: Clustering
    human: Replayed
    patterns: int
    opinion: Opinion


def link(
    people: People,
    params: IdentityParams,
    human: Replayed,
    tell: Progress,
    whereabouts: Whereabouts | None = None,
    engine: Engine = on_this_machine,
) -> Linked:
    """Candidate pairs, agreement patterns, model, scores and clusters of standardized people."""
    comparer = Comparer(people, params)
    candidates, patterns = engine(people, comparer, params, tell)
    tell("learn", 0, 1)
    model, distinct, _ = learn(patterns, comparer, _agreement(people, comparer), len(people), params.model)
    scorer = Scorer(people, comparer, model, params, whereabouts)
    scored = scorer.score(candidates.pairs, patterns, params.decision.keep, lambda d, t: tell("score", d, t))
    tell("second opinion", 0, 1)
    opinion = second_opinion(people, scored, params.second_opinion)
    scored = _with_decided(mark_disagreement(scored, opinion, params), scorer, human)
    human = human.with_second_reviewer(_guarded(scored), params.decision.reviewers_where_guarded)
    tell("cluster", 0, 1)
    clustering = cluster(scored, len(people), scorer, params, human.must, human.cannot)
    scored = _with_extra(scored, clustering, params)
    return Linked(scorer, candidates.summary, len(candidates.pairs), scored, clustering, human, len(distinct), opinion)


def _agreement(people: People, comparer: Comparer) -> list[float]:
    return [max(exact_agreement(people.codes[c]) for c in people.columns[f]) for f in comparer.fields]


def _guarded(scored: pl.DataFrame) -> np.ndarray:
    return scored.filter(pl.col("guard") != NO_GUARD).select(_PACKED).to_series().to_numpy()


def _with_decided(scored: pl.DataFrame, scorer: Scorer, human: Replayed) -> pl.DataFrame:
    """Pairs a person decided about are listed even where no blocking rule proposes them."""
    decided = np.unique(np.concatenate(list(human.packed().values())))
    if not len(decided):
        return scored
    missing = decided[~np.isin(decided, scored.select(_PACKED).to_series().to_numpy())]
    return pl.concat([scored, scorer.score_all(missing)]).sort("left", "right") if len(missing) else scored


def _with_extra(scored: pl.DataFrame, clustering: Clustering, params: IdentityParams) -> pl.DataFrame:
    extra = clustering.extra.filter(pl.col("probability") >= params.decision.keep)
    return pl.concat([scored, extra]).sort("left", "right")


def _identity(
    table, key, columns, params: IdentityParams, people: People, linked: Linked, previous, pseudonym
) -> Identity:
    label = linked.clustering.label
    ids = golden_ids(people.keys, label, pseudonym, previous)
    clusters = pl.DataFrame({"key": people.keys, "golden_id": ids})
    frame = table.lazy().collect()
    empty = {c: test for c, test in says_nothing(columns, params).items() if c in frame.columns}
    before = None if previous is None else previous["golden_id"].unique().cast(pl.String)
    golden, losing, survivors = golden_records(frame, clusters, key, params.survivorship, empty, before)
    pairs = _pairs(people, linked, params)
    clusters = _roles(clusters, survivors, pairs)
    review = review_queue(pairs, clusters)
    return Identity(
        pairs, clusters, golden, review, losing, _weights(people, linked, params), linked.blocking,
        people.not_known, _summary(people, linked, pairs, clusters, review),
        _findings(people, linked, pairs), linked.scorer,
    )  # fmt: skip


def _weights(people: People, linked: Linked, params: IdentityParams) -> pl.DataFrame:
    """The weights of what was seen: for a field without a value the model has nothing but its prior."""
    return weights_table(linked.scorer.model, params).filter(~pl.col("field").is_in(_without_value(people)))


def _without_value(people: People) -> list[str]:
    every = people.columns.items()
    return [f for f, c in every if len(people) and all(people.codes[x].null_count() == len(people) for x in c)]


def _pairs(people: People, linked: Linked, params: IdentityParams) -> pl.DataFrame:
    scored, clustering = linked.scored, linked.clustering
    decided = decide(scored, clustering.label, clustering.too_large, params, linked.human.packed())
    strong = np.flatnonzero(scored.select(automatic(params)).to_series().to_numpy())
    bridge = np.zeros(len(scored), bool)
    bridge[strong[bridges(scored[strong], clustering.label)]] = True
    return decided.select(
        left=people.keys.gather(scored["left"]),
        right=people.keys.gather(scored["right"]),
        probability="probability",
        household="household",
        bits=pl.col("log_odds") / np.log(2),
        kind=name_kinds(scored, linked.scorer, params),
        guard="guard_name",
        decision="decision",
        reason="reason",
        bridge=pl.Series(bridge),
    )


def _roles(clusters: pl.DataFrame, survivors: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    merged = pairs.filter(pl.col("decision") == MERGED).select("left", "right", "probability")
    strongest = pl.concat(
        [merged.select(key="left", probability="probability"), merged.select(key="right", probability="probability")]
    ).group_by("key").agg(pl.col("probability").max())  # fmt: skip
    members = pl.len().over("golden_id")
    role = (
        pl.when(pl.col("members") == 1).then(pl.lit("single"))
        .when(pl.col("key") == pl.col("survivor")).then(pl.lit("survivor"))
        .otherwise(pl.lit("merged"))
    )  # fmt: skip
    clusters = clusters.with_columns(members=members).join(survivors, on="golden_id", how="left")
    clusters = clusters.join(strongest, on="key", how="left").with_columns(role=role)
    return clusters.select("key", "golden_id", "role", pl.col("probability").fill_null(1.0), "members").sort("key")


def _summary(people: People, linked: Linked, pairs: pl.DataFrame, clusters: pl.DataFrame, review: pl.DataFrame) -> dict:
    model: MatchModel = linked.scorer.model
    return {
        "records": len(people),
        "people": clusters["golden_id"].n_unique(),
        "records_merged": int((clusters["role"] == "merged").sum()),
        "candidate_pairs": linked.candidates,
        "patterns": linked.patterns,
        "expected_duplicate_pairs": model.expected_matches,
        "expected_household_pairs": model.expected_household_pairs,
        "pairs_merged": int((pairs["decision"] == MERGED).sum()),
        "pairs_to_review": len(review),
        "groups_split": linked.clustering.split_groups,
        "largest_cluster": int(clusters["members"].max() or 0),
        "bridges": int(pairs["bridge"].sum()),
        "rounds": len(model.log_likelihood),
        "converged": model.converged,
        "fields_compared": list(linked.scorer.comparer.fields),
        "fields_absent": list(people.absent),
        "second_opinion_agreement": linked.opinion.agreement,
        "second_opinion_heard": linked.opinion.heard,
        "decisions_of_people": sum(len(p) for p in (linked.human.must, linked.human.cannot, linked.human.waiting)),
    }


def _findings(people: People, linked: Linked, pairs: pl.DataFrame) -> list[str]:
    found = list(linked.scorer.model.doubts)
    dropped = linked.blocking.filter(pl.col("dropped_blocks") > 0)
    for rule, blocks, records in dropped.select("rule", "dropped_blocks", "dropped_records").iter_rows():
        found.append(f"blocking rule {rule}: {blocks} blocks with {records} records were above the cap and left out")
    found += [f"{name} holds no usable value" for name in _without_value(people)]
    contradictory = int((pairs["reason"] == "contradictory decisions").sum())
    if contradictory:
        found.append(f"{contradictory} pairs have decisions that contradict each other; they were kept apart")
    if len(linked.human.disputed):
        found.append(f"reviewers disagree about {len(linked.human.disputed)} pairs; they were kept apart")
    if len(linked.human.waiting):
        found.append(f"{len(linked.human.waiting)} pairs wait for a second reviewer")
    if linked.human.stale:
        found.append(f"{linked.human.stale} decisions name a row that is no longer there")
    if not linked.opinion.heard:
        found.append(f"the second opinion was not heard: {linked.opinion.reason}")
    if len(linked.clustering.too_large):
        found.append(f"{len(linked.clustering.too_large)} records were in clusters above the size cap and not merged")
    return found
