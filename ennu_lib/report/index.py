"""The index of a run, with a line per phase, and the list of all runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ennu_lib.report.blocks import verdict
from ennu_lib.report.facts import elapsed, facts
from ennu_lib.report.findings import UNSOUND, tally
from ennu_lib.report.formats import DASH, digest, duration, moment, number
from ennu_lib.report.grid import Column, grid
from ennu_lib.report.html import Html, block, element, inline, join
from ennu_lib.report.masking import MARK, footnote, masked_count
from ennu_lib.report.page import draw_page, write_page
from ennu_lib.report.status import look, mark, worst

SIGNATURES = ("Review", "Approval")


def render_index(run: Mapping[str, Any], phases: Sequence[Mapping[str, Any]], out: Path) -> str:
    """Write the index page of a run to `out` and return its SHA-256.

    `run`: run_id, and where known name, environment, headline, operator, commit and other facts as plain strings.
    `phases` in order, each the evidence of the phase with the runner's `page`, `page_sha256`, `seconds`, `peak_mb` and
    `verdict` added; `phase` and `title` alone will do for one that has not run. The count named `rows` is shown.
    """
    status = overall([phase.get("verdict", "not_run") for phase in phases])
    headline = run.get("headline") or _progress(phases)
    body = join([_phase_table(phases), _digests(phases), _sign_off()], "\n")
    page = draw_page(
        title=f"Run {run['run_id']} · {look(status).word} · ENNU migration",
        masthead=[*filter(None, [str(run.get("environment", "")).capitalize()]), "Index of a run"],
        head=join([element("h1", "Migration run"), verdict(status, headline, run.get("summary", ""))], "\n"),
        facts=facts({k: v for k, v in run.items() if k not in ("headline", "summary") and _plain(v)}),
        contents=(),
        body=body,
        colophon=[inline(f"Run {run['run_id']}. To check a page, compare its SHA-256 with the one listed here.")],
        each_sheet=f"Run {run['run_id']} · Index",
    )
    return write_page(page, out)


def render_runs(runs: Sequence[Mapping[str, Any]], out: Path) -> str:
    """Write the list of all runs to `out` and return its SHA-256.

    Each run: run_id, environment, started, `phases` (phase name to verdict), and `page`, its index as seen from here.
    """
    names = list(dict.fromkeys(name for run in runs for name in run.get("phases", {})))
    columns = [Column("Run"), Column("Environment"), Column("Started"), *(Column(_noun(name)) for name in names)]
    rows = [
        [
            _link(run.get("page"), run["run_id"]),
            run.get("environment") or DASH,
            moment(run["started"]) if run.get("started") else DASH,
            *(mark(run.get("phases", {}).get(name, "not_run")) for name in names),
        ]
        for run in runs
    ]
    listed = grid("Runs", columns, rows) if rows else element("p", "No run has been made yet.")
    page = draw_page(
        title="Runs · ENNU migration",
        masthead=["All runs"],
        head=element("h1", "Migration runs"),
        facts=Html(""),
        contents=(),
        body=block("runs", listed),
        colophon=[],
    )
    return write_page(page, out)


def overall(verdicts: Sequence[str]) -> str:
    """The verdict of a run: the worst of its phases, and `not_run` while one is missing and none has failed."""
    found = worst(verdicts)
    return "not_run" if "not_run" in verdicts and look(found).rank < look("fail").rank else found


def _phase_table(phases: Sequence[Mapping[str, Any]]) -> Html:
    columns = [
        Column("Phase"),
        Column("Verdict"),
        *(Column(name, align="right") for name in ("Rows", "Checks passed", "Failed", "Memory", "Time")),
    ]
    lines = [_line(phase) for phase in phases]
    notes = [footnote() if any(MARK in line for line in lines) else ""]
    return block("index", element("h2", "Phases"), grid("Phases of this run", columns, lines, notes=notes))


def _line(phase: Mapping[str, Any]) -> list[object]:
    counts, ran = phase.get("counts", {}), phase.get("verdict", "not_run") != "not_run"
    checks = tally(phase.get("findings", []))
    passed = checks["passed"] + checks["with_exceptions"]
    return [
        _link(phase.get("page"), _named(phase)),
        mark(phase.get("verdict", "not_run")),
        _count(counts.get("rows")),
        number(passed) if ran else DASH,
        number(checks["failed"]) if ran else DASH,
        f"{number(phase['peak_mb'])} MB" if phase.get("peak_mb") else DASH,
        _time(phase) if ran else DASH,
    ]


def _digests(phases: Sequence[Mapping[str, Any]]) -> Html:
    rows = [
        [element("code", phase["page"]), digest(phase["page_sha256"])] for phase in phases if phase.get("page_sha256")
    ]
    if not rows:
        return Html("")
    listed = grid("SHA-256 of each page", [Column("Page"), Column("SHA-256")], rows)
    return element("div", block("digests", element("h2", "Pages"), listed), class_="files")


def _sign_off() -> Html:
    columns = [Column(name) for name in ("Meaning", "Name and role", "Date", "Signature")]
    signed = grid(
        "Signatures over this run, its pages and their SHA-256", columns, [[s, "", "", ""] for s in SIGNATURES]
    )
    return element("div", block("sign", element("h2", "Sign-off"), signed), class_="sign")


def _progress(phases: Sequence[Mapping[str, Any]]) -> str:
    verdicts = [phase.get("verdict", "not_run") for phase in phases]
    ran = [verdict for verdict in verdicts if verdict != "not_run"]
    failed, excepted = sum(v in UNSOUND for v in ran), ran.count("pass_with_exceptions")
    counted = f"{len(ran)} of {len(verdicts)} phases have run"
    if failed or not ran:
        return f"{counted}; {failed} did not pass." if failed else f"{counted}."
    return f"{counted} and passed{f', {excepted} of them with exceptions' if excepted else ''}."


def _named(phase: Mapping[str, Any]) -> str:
    number_, _, noun = phase["phase"].partition("_")
    title = phase.get("title") or noun.replace("_", " ").capitalize()
    return f"{number_} {title}" if number_.isdigit() else title


def _noun(name: str) -> str:
    return name.partition("_")[2].replace("_", " ").capitalize() or name


def _link(target: object, text: str) -> Html:
    return element("a", text, href=target) if target else join([text])


def _count(value: int | None) -> str:
    return DASH if value is None else masked_count(value)


def _time(phase: Mapping[str, Any]) -> str:
    if phase.get("seconds") is not None:
        return duration(phase["seconds"])
    return elapsed(phase.get("started"), phase.get("finished")) or DASH


def _plain(value: object) -> bool:
    return isinstance(value, (str, int, float)) and value != ""
