"""The top of a phase's page: the verdict, what was found in one paragraph, and what did not pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from ennu_lib.report.blocks import key_numbers, verdict
from ennu_lib.report.findings import failures
from ennu_lib.report.html import Html, block, element, join
from ennu_lib.report.masking import counts_things
from ennu_lib.report.outputs import DISTRIBUTABLE, explain

BROKEN_OFF = "What stands below was written before that point and is not a result."
LEAKED = "Text with the shape of personal data was found and withheld. This phase does not count as passed."


@dataclass(frozen=True)
class Failure:
    """How a phase broke off: the class of the exception, and the code cell, counted from 1, where known."""

    error: str
    cell: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What the top of a page may claim: never better than how the notebook ended."""

    evidence: Mapping[str, Any]
    failure: Failure | None
    leaked: bool

    @property
    def verdict(self) -> str:
        """The verdict of the evidence, or error when the notebook broke off or had to be censored."""
        return "error" if self.failure or self.leaked else self.evidence.get("verdict", "not_run")

    @property
    def number(self) -> str:
        """The number of the phase as it is written, such as `03`; empty when it has none."""
        first = self.evidence.get("phase", "").partition("_")[0]
        return first if first.isdigit() else ""

    @property
    def name(self) -> str:
        """The title of the phase, or what can be made of its name."""
        noun = self.evidence.get("phase", "").partition("_")[2]
        return self.evidence.get("title") or noun.replace("_", " ").capitalize() or "Phase"


def how_it_broke_off(evidence: Mapping[str, Any], notebook: NotebookNode | None) -> Failure | None:
    """How the phase broke off, if it did: the runner's word first, then what the notebook itself shows."""
    told = evidence.get("failure") or (notebook.metadata.get("ennu") if notebook else None) or {}
    if told.get("error"):
        return Failure(told["error"], told.get("cell"))
    if notebook is None:
        return None if evidence.get("verdict") == "not_run" else Failure("PhaseFailed")
    for number, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), start=1):
        for output in cell.outputs:
            if output.output_type == "error":
                return Failure(output.ename, number)
        if cell.source.strip() and cell.execution_count is None:
            return Failure("PhaseFailed", number)
    return None


def draw_head(outcome: Outcome, audience: str, limit: int) -> Html:
    """Title, verdict, summary, failed checks, key numbers."""
    headline, summary = _spoken(outcome, audience)
    findings, counts = outcome.evidence.get("findings", []), outcome.evidence.get("counts", {})
    failed = failures(findings, limit=limit if audience == DISTRIBUTABLE else None)
    people = [name for name in counts if not counts_things(name)]
    number = element("span", outcome.number, class_="number") if outcome.number else None
    parts = [
        element("h1", number, outcome.name),
        for_audience(verdict(outcome.verdict, headline, summary, limit=limit), audience),
        block("failures", failed) if failed.markup else None,
        for_audience(key_numbers(counts, people=people, limit=limit), audience) if counts else None,
    ]
    return join(parts, "\n")


def for_audience(part: Html, audience: str) -> Html:
    """The form of a block that `audience` may see."""
    return Html(part.distributable) if audience == DISTRIBUTABLE and part.distributable is not None else part


def _spoken(outcome: Outcome, audience: str) -> tuple[str | Html, str]:
    """Headline and summary; the evidence may hold sentences written for the distributable page."""
    evidence = outcome.evidence
    if outcome.failure:
        return _broken(outcome.failure), BROKEN_OFF
    if outcome.leaked:
        return LEAKED, ""
    if audience == DISTRIBUTABLE:
        evidence = {**evidence, **_for_distribution(evidence)}
    return evidence.get("headline", ""), evidence.get("summary", "")


def _for_distribution(evidence: Mapping[str, Any]) -> dict[str, str]:
    ending = f"_{DISTRIBUTABLE}"
    return {key.removesuffix(ending): text for key, text in evidence.items() if key.endswith(ending)}


def _broken(failure: Failure) -> Html:
    code, meaning = explain(failure.error)
    cell = element("a", f"code cell {failure.cell}", href=f"#cell-{failure.cell}")
    where = [" in ", cell] if failure.cell else []
    ending = f" (exit code {code}). {meaning}" if code else "."
    return join(["The phase broke off", *where, " with ", element("code", failure.error), ending])
