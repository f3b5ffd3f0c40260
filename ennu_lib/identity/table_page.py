"""The page of a table of people that was matched by itself: the figures of notebook 03, with exact counts."""

from __future__ import annotations

from functools import partial

import polars as pl

from ennu_lib.identity import page as numbers
from ennu_lib.identity.outputs import best_weights, cluster_sizes, decision_table, model_formats
from ennu_lib.identity.params import IdentityParams
from ennu_lib.identity.tables import MatchedTable
from ennu_lib.report import key_numbers, not_done, table, verdict
from ennu_lib.report.facts import facts
from ennu_lib.report.html import Html, element, join
from ennu_lib.report.page import draw_page
from ennu_lib.report.sections import Contents

TITLE = "People of a table"


def match_page(found: MatchedTable, params: IdentityParams, name: str) -> str:
    """What was found in the table called `name`, as one page without a value of the table."""
    contents = Contents()
    sections = {
        "How many people": [_sizes(found)],
        "How right it is": [_quality(found)] if found.merged else [],
        "Why the model believes it": [_weights(found), _example(found), _levels(found)],
        "The curve": [_curve(found, params)],
        "Kinds of duplicates": [_kinds(found), _decisions(found)],
        "Households": [_households(found), _kinship(found)],
        "The largest groups": [_groups(found)],
        "What was not decided": [_undecided(found)],
        "Blocking": [table(found.identity.blocking, caption="Blocking rules, and the pairs each proposes", rows=60)],
        "What was not done or not checked": [not_done(numbers.limits(found.identity))],
    }
    body = join((contents.section(t, join(parts)) for t, parts in sections.items() if parts), "\n")
    summary = found.identity.summary
    headline = f"{summary['records']:,} rows are {summary['people']:,} people."
    told = (
        f"{summary['records_merged']:,} rows belong to a person who has another row already. "
        f"{summary['pairs_to_review']:,} pairs are too close to call. The model itself expects "
        f"{summary['expected_duplicate_pairs']:,.0f} pairs of one person among all rows."
    )
    counts = {"rows": "records", "people": "people", "rows_merged": "records_merged",
              "pairs_compared": "candidate_pairs", "pairs_for_review": "pairs_to_review"}  # fmt: skip
    status = "pass_with_exceptions" if found.identity.findings or summary["pairs_to_review"] else "pass"
    return draw_page(
        title=f"{TITLE} · ENNU migration",
        masthead=["Internal: exact counts"],
        head=join(
            [
                element("h1", TITLE),
                verdict(status, headline, told),
                key_numbers({shown: int(summary[of]) for shown, of in counts.items()}),
            ],
            "\n",
        ),
        facts=facts({"file": name, "compared": ", ".join(summary["fields_compared"])}, title="Where this comes from"),
        contents=contents.entries,
        body=body,
        colophon=["Clusters and the probability of every pair are in two files next to this page."],
        each_sheet=TITLE,
    )


def _sizes(found: MatchedTable) -> Html:
    return table(cluster_sizes(found.clusters), caption="How many rows a person had")


def _quality(found: MatchedTable) -> Html:
    merged = {"pairs": "merged automatically", **{m: found.merged[m] for m in ("precision", "recall", "f1")}}
    rows = found.at_thresholds.select(
        pl.format("p >= {}", "threshold").alias("pairs"), "precision", "recall", "f1"
    ).to_dicts()
    formats = dict.fromkeys(("precision", "recall", "f1"), "percent")
    return table([*rows, merged], caption="Against the truth column, in pairs of rows", formats=formats)


def _weights(found: MatchedTable) -> Html:
    from ennu_lib.report import charts, figure

    return figure(
        charts.bars(best_weights(found.identity.model), measure="bits of evidence for one person, at best agreement"),
        alt="Evidence in bits that the best agreement of each field gives; the table below has every level.",
        caption="Weight of the best agreement, by field",
    )


def _example(found: MatchedTable) -> Html:
    from ennu_lib.report import drawings, figure_of

    return figure_of(
        partial(drawings.waterfall, measure="bits for one person", total="log odds of one person"),
        numbers.example(found.identity),
        alt="Bars that add up: the low prior, then what each field adds or takes, and at the end the sum.",
        caption="One merged pair of middling evidence, term by term; fields and levels only, no values",
        nothing="No pair was merged, so there is none to explain.",
    )


def _levels(found: MatchedTable) -> Html:
    return table(found.identity.model, caption="Agreement levels and their weights", formats=model_formats(), rows=120)


def _curve(found: MatchedTable, params: IdentityParams) -> Html:
    from ennu_lib.report import drawings, figure_of

    curve = numbers.curve(found.identity, params)
    marked = numbers.setting_in_force(params)
    return figure_of(
        partial(drawings.panels, rows=numbers.settings(curve), marked=marked),
        numbers.curve_drawn(curve),
        alt="Per threshold, the pairs merged, the false merges to expect, and the pairs left to review.",
        caption="Merges, false merges and reviews, by threshold; the dark bars are the setting in force",
    )


def _kinds(found: MatchedTable) -> Html:
    from ennu_lib.report import charts, figure_of

    return figure_of(
        partial(charts.bars, measure="merged pairs"),
        numbers.kinds_drawn(numbers.differences(found.identity)),
        alt="The most frequent differences between two rows of one person, by field and kind of difference.",
        caption="How the rows of one person differ",
        nothing="No pair was merged.",
    )


def _decisions(found: MatchedTable) -> Html:
    return table(decision_table(found.identity.pairs), caption="What was decided about the pairs, and why", rows=40)


def _households(found: MatchedTable) -> Html:
    return table(numbers.households(found.identity), caption="Homes of several people among the compared pairs")


def _kinship(found: MatchedTable) -> Html:
    return table(numbers.kinship(found.identity), caption="What the pairs that were not merged most likely are")


def _groups(found: MatchedTable) -> Html:
    from ennu_lib.report import drawings, figure_of

    return figure_of(
        drawings.groups,
        numbers.largest_groups(found.identity),
        alt="Rows of one person as numbered circles, joined by lines that carry their probability.",
        caption="The largest groups of rows taken for one person; a dashed line holds two halves together alone",
        nothing="No person has three rows or more.",
    )


def _undecided(found: MatchedTable) -> Html:
    return table(numbers.undecided(found.identity), caption="What was not decided, and why", rows=40)
