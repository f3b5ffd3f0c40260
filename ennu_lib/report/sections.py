"""The cells of a run notebook as sections of a page, with their headings collected for the list of contents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from nbconvert import TemplateExporter
from nbconvert.filters import Highlight2HTML, markdown2html
from nbformat import NotebookNode

from ennu_lib.report.html import Html, element, slug
from ennu_lib.report.masking import Hit, scan, scan_canaries
from ennu_lib.report.outputs import INTERNAL, draw_output, leak_notice

TEMPLATES = Path(__file__).parent / "templates"
INTRODUCTION = "What this phase does"
INJECTED = "injected-parameters"
_BANNER = "papermill-error-cell-tag"
_HEADING = re.compile(r"<h([1-6])[^>]*>(.*?)</h\1>", re.DOTALL)
_ANCHOR = re.compile(r'<a class="anchor-link".*?</a>', re.DOTALL)


@dataclass
class Contents:
    """Headings of a page: unique ids, levels without gaps, and the entries of the list of contents."""

    entries: list[tuple[str, str]] = field(default_factory=list)
    _used: set[str] = field(default_factory=set)
    _level: int = 1
    _titled: bool = False

    def heading(self, level: int, inner: str) -> str:
        """A heading as it stands on the page. It has a title already, so the notebook's own one makes way."""
        if level == 1 and not self._titled:
            self._titled = True
            inner = INTRODUCTION
        self._level = min(max(level, 2), self._level + 1)
        name = self._unique(slug(Html(inner).text))
        if self._level == 2:
            self.entries.append((name, Html(inner).text))
        return f'<h{self._level} id="{name}">{inner}</h{self._level}>'

    def section(self, title: str, body: Html, class_: str | None = None) -> Html:
        """A section that the page adds to those of the notebook."""
        heading = Html(self.heading(2, element("span", title).text))
        return element("div", heading, body, class_=class_)

    def _unique(self, name: str) -> str:
        number, candidate = 1, name
        while candidate in self._used:
            number += 1
            candidate = f"{name}-{number}"
        self._used.add(candidate)
        return candidate


@dataclass
class Sections:
    """The body of a page, the personal data that was found and withheld, and the source of the injected cell."""

    markup: Html
    leaks: list[Hit] = field(default_factory=list)
    injected: str = ""


def draw_sections(
    notebook: NotebookNode, contents: Contents, audience: str = INTERNAL, planted: Mapping[str, str] | None = None
) -> Sections:
    """Every cell and every output of `notebook` in order. Code is folded; what looks like personal data is withheld."""
    drawn = Sections(Html(""))
    cells = [cell for cell in notebook.cells if _BANNER not in _tags(cell)]
    views, code_number = [], 0
    for cell in cells:
        code_number += cell.cell_type == "code"
        views.append(_view(cell, code_number, contents, audience, planted or {}, drawn))
    body, _ = exporter().from_notebook_node(NotebookNode({**notebook, "cells": cells}), resources={"views": views})
    drawn.markup = Html(body.strip())
    return drawn


@cache
def exporter() -> TemplateExporter:
    """The exporter with our template; made once, since the first one takes as long as ten pages.

    Not HTMLExporter: it parses the finished page and writes it anew, so that the bytes of a block would not be ours.
    """
    return TemplateExporter(file_extension=".html", template_name="ennu", extra_template_basedirs=[str(TEMPLATES)])


def _view(
    cell: NotebookNode, number: int, contents: Contents, audience: str, planted: Mapping[str, str], drawn: Sections
) -> dict[str, Any] | None:
    if cell.cell_type == "markdown":
        notice = _leak_in(cell.source, "a text cell", planted, drawn)
        return {"prose": notice or _prose(cell.source, contents)}
    if cell.cell_type != "code":
        return None
    where = f"code cell {number}"
    if INJECTED in _tags(cell):
        drawn.injected = "" if _leak_in(cell.source, where, planted, drawn) else cell.source
        return None
    code = _leak_in(cell.source, where, planted, drawn) or Html(highlighter()(cell.source, language="ipython3"))
    outputs = [
        _leak_in(part.markup, f"{where}, output {place}", planted, drawn) or part
        for place, part in enumerate((draw_output(output, audience) for output in cell.outputs), start=1)
    ]
    return {"number": number, "outputs": outputs, "code": code if cell.source.strip() else None}


def _leak_in(text: str, where: str, planted: Mapping[str, str], drawn: Sections) -> Html | None:
    """The notice to show in place of `text` when it holds personal data, which is noted; None when it does not."""
    hits = found_in(text, planted)
    drawn.leaks.extend(Hit(hit.kind, where) for hit in hits)
    return leak_notice(hits) if hits else None


def found_in(text: str, planted: Mapping[str, str], allowed: Iterable[str] = ()) -> list[Hit]:
    """Personal data and planted values in a piece of a page."""
    return [*scan(text, allowed), *(scan_canaries(text, planted) if planted else ())]


def _prose(source: str, contents: Contents) -> Html:
    drawn = _HEADING.sub(lambda m: contents.heading(int(m[1]), _ANCHOR.sub("", m[2])), markdown2html(source))
    return Html(re.sub(r"<th\b", '<th scope="col"', drawn).strip())


@cache
def highlighter() -> Highlight2HTML:
    """Colours code by class names; the colours are in page.css."""
    return Highlight2HTML()


def _tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])
