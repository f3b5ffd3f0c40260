"""The page of one phase: verdict, what was found, where it comes from, and then the notebook with its code folded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from ennu_lib.errors import GateFailed
from ennu_lib.report.accounts import accounts_table
from ennu_lib.report.blocks import not_done
from ennu_lib.report.facts import facts, files_appendix, phase_entries, runner_entries
from ennu_lib.report.findings import findings_table
from ennu_lib.report.head import Outcome, draw_head, for_audience, how_it_broke_off
from ennu_lib.report.html import NOTHING, Html, inline, join
from ennu_lib.report.masking import LIMIT, Hit
from ennu_lib.report.outputs import AUDIENCES, DISTRIBUTABLE, INTERNAL
from ennu_lib.report.page import draw_page, write_page
from ennu_lib.report.sections import Contents, Sections, draw_sections, found_in
from ennu_lib.report.status import look

AUDIENCE_WORDS = {INTERNAL: "Internal: exact counts", DISTRIBUTABLE: "Distributable: small counts withheld"}


def render_phase(
    notebook_path: Path,
    evidence: Mapping[str, Any],
    provenance: Mapping[str, Any],
    out: Path,
    *,
    audience: str = INTERNAL,
    planted: Mapping[str, str] | None = None,
    limit: int = LIMIT,
) -> str:
    """Render the run notebook at `notebook_path` with its `evidence` to `out`, and return the SHA-256 of the page.

    A notebook that failed, stopped half way or is missing still gets its page, headed as an error with the cell and the
    class of the exception. `audience` is `internal` (exact counts) or `distributable` (counts of people from 1 to
    `limit` withheld). Text with the shape of personal data, and any value of `planted` (label to value), is replaced by
    a notice. Raises GateFailed, after writing such a page, so that the run cannot pass over it; ValueError for an
    unknown audience.
    """
    if audience not in AUDIENCES:
        raise ValueError(f"an audience is one of {', '.join(AUDIENCES)}")
    planted = dict(planted or {})
    clean, leaks = _cleaned(evidence, planted)
    notebook = nbformat.read(notebook_path, as_version=4) if notebook_path.is_file() else None
    contents = Contents()
    checks = _checks(clean, notebook, contents, audience, limit)
    drawn = draw_sections(notebook, contents, audience, planted) if notebook else Sections(NOTHING)
    closing = _closing(clean, notebook, contents, audience, limit)
    leaks += drawn.leaks
    outcome = Outcome(clean, how_it_broke_off(clean, notebook), bool(leaks))
    page = draw_page(
        title=f"{outcome.number} {outcome.name} · {look(outcome.verdict).word} · ENNU migration".lstrip(),
        masthead=[*filter(None, [clean.get("environment", "").capitalize()]), AUDIENCE_WORDS[audience]],
        head=draw_head(outcome, audience, limit),
        facts=facts({**phase_entries(clean, provenance), **runner_entries(notebook, drawn.injected)}),
        contents=contents.entries,
        body=join([checks, drawn.markup, closing], "\n"),
        colophon=_colophon(notebook_path, clean),
        each_sheet=f"Run {clean.get('run_id', '')} · {outcome.number} {outcome.name}",
    )
    digest = write_page(page, out)
    if leaks:
        places = ", ".join(sorted({f"{hit.kind} in {hit.where}" for hit in leaks}))
        raise GateFailed(f"{out.name}: withheld from the page: {places}; take it out of the notebook and run again")
    return digest


def _checks(
    evidence: Mapping[str, Any], notebook: NotebookNode | None, contents: Contents, audience: str, limit: int
) -> Html:
    if not evidence.get("findings") or _shows(notebook, "findings"):
        return NOTHING
    return contents.section("Checks", for_audience(findings_table(evidence["findings"], limit=limit), audience))


def _closing(
    evidence: Mapping[str, Any], notebook: NotebookNode | None, contents: Contents, audience: str, limit: int
) -> Html:
    """What the evidence holds and the notebook did not show, so that the page says all of it."""
    parts = []
    if evidence.get("accounts") and not _shows(notebook, "accounts"):
        drawn = for_audience(accounts_table(evidence["accounts"], limit=limit), audience)
        parts.append(contents.section("Row accounts", drawn))
    if evidence.get("not_done") and not _shows(notebook, "not-done"):
        parts.append(contents.section("What was not done or not checked", not_done(evidence["not_done"])))
    files = files_appendix(evidence)
    if files.markup:
        parts.append(contents.section("Files", Html(f"<!--run-->{files}<!--/run-->"), class_="files"))
    return join(parts, "\n")


def _shows(notebook: NotebookNode | None, kind: str) -> bool:
    mark = f'data-ennu="{kind}"'
    return notebook is not None and any(
        mark in "".join(output.get("data", {}).get("text/html", ""))
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )


def _colophon(notebook_path: Path, evidence: Mapping[str, Any]) -> list[Html]:
    if not notebook_path.is_file():
        return [inline("The run notebook was not written, so there is nothing to compare this page with.")]
    digest = hashlib.sha256(notebook_path.read_bytes()).hexdigest()
    return [
        inline(f"Run {evidence.get('run_id', 'without id')}, rendered from the run notebook `{notebook_path.name}`."),
        inline(f"SHA-256 of that notebook: `{digest}`"),
    ]


def _cleaned(evidence: Mapping[str, Any], planted: Mapping[str, str]) -> tuple[dict[str, Any], list[Hit]]:
    """The evidence without personal data, and what was found where. Provenance may name the operator by an address."""
    found: list[Hit] = []
    clean = {
        key: value if key == "provenance" else _clean(value, planted, f"evidence, {key}", found)
        for key, value in evidence.items()
    }
    return clean, found


def _clean(value: Any, planted: Mapping[str, str], where: str, found: list[Hit]) -> Any:
    if isinstance(value, str):
        hits = found_in(value, planted)
        found.extend(Hit(hit.kind, where) for hit in hits)
        return "withheld" if hits else value
    if isinstance(value, Mapping):
        return {key: _clean(inner, planted, f"{where}, {key}", found) for key, inner in value.items()}
    if isinstance(value, list):
        return [_clean(inner, planted, where, found) for inner in value]
    return value
