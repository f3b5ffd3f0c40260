"""Verdicts as a reader meets them: a word and a shape, so that neither colour nor eyesight decides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ennu_lib.report.html import Html, element


@dataclass(frozen=True)
class Look:
    """How one status is shown. `rank` orders statuses from best to worst."""

    word: str
    rank: int
    tone: str
    shape: str


_CUT = 'fill="none" stroke="var(--paper)" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"'
_RING = 'cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.6"'

LOOKS = {
    "pass": Look("Passed", 2, "good", f'<circle cx="8" cy="8" r="7.5"/><path d="M4.6 8.3l2.3 2.4 4.5-5" {_CUT}/>'),
    "pass_with_exceptions": Look(
        "Passed with exceptions",
        3,
        "caution",
        f'<path d="M8 .8 15.7 14.8H.3z"/><path d="M8 6v4M8 12.4v.1" {_CUT}/>',
    ),
    "fail": Look("Failed", 4, "failure", f'<path d="M1 1h14v14H1z"/><path d="M5 5l6 6M11 5l-6 6" {_CUT}/>'),
    "error": Look(
        "Ended in an error", 5, "failure", f'<path d="M8 0l8 8-8 8-8-8z"/><path d="M8 4.4v4.2M8 11.4v.1" {_CUT}/>'
    ),
    "not_run": Look("Not run", 1, "quiet", f'<circle {_RING} stroke-dasharray="2.6 2.27"/>'),
    "not_applicable": Look("Not applicable", 0, "quiet", f'<circle {_RING}/><path d="M5 8h6" stroke="currentColor"/>'),
}


def look(status: str) -> Look:
    """How `status` is shown. Raises ValueError for a word that is not a status."""
    try:
        return LOOKS[str(status)]
    except KeyError:
        raise ValueError(f"a status is one of {', '.join(LOOKS)}") from None


def mark(status: str) -> Html:
    """The shape and the word of `status`."""
    seen = look(status)
    return element("span", shape(status), element("span", seen.word), class_=f"ennu-status ennu-{seen.tone}")


def shape(status: str) -> Html:
    """The shape alone; it says nothing to a screen reader, so a word must stand beside it."""
    drawing = Html(look(status).shape)
    return element("svg", drawing, viewBox="0 0 16 16", fill="currentColor", aria_hidden="true", focusable="false")


def worst(statuses: Iterable[str]) -> str:
    """The worst of `statuses`, for the verdict of a whole; `not_run` when there is none."""
    return max((str(s) for s in statuses), key=lambda s: look(s).rank, default="not_run")
