"""What a notebook says between its tables and figures: verdicts, notes, key numbers, limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ennu_lib.report.formats import DASH, label
from ennu_lib.report.html import Html, block, element, inline, join, prose
from ennu_lib.report.masking import LIMIT, MARK, footnote, masked_count, masked_sentence
from ennu_lib.report.status import mark

NOTES = {"note": "Note", "limit": "Not checked", "attention": "Attention"}


def verdict(status: str, headline: str | Html, summary: str = "", *, limit: int = LIMIT) -> Html:
    """The verdict in a word and a shape, one sentence in large type, and one paragraph.

    `status` is pass, pass_with_exceptions, fail, error or not_run; anything else raises ValueError. The distributable
    page gets the sentences with counts from 1 to `limit` as `10 or fewer`.
    """
    masked = headline if isinstance(headline, Html) else masked_sentence(headline, limit)
    exact = _verdict(status, headline, summary).markup
    return Html(exact, _verdict(status, masked, masked_sentence(summary, limit)).markup)


def note(text: str, kind: str = "note") -> Html:
    """A remark of a few sentences: a `note`, a `limit` of what was checked, or something that needs `attention`."""
    if kind not in NOTES:
        raise ValueError(f"a note is one of {', '.join(NOTES)}")
    title = element("p", NOTES[kind], class_="ennu-title")
    return block("note", title, prose(text), data_kind=kind)


def key_numbers(counts: Mapping[str, int], *, people: Sequence[str] = (), limit: int = LIMIT) -> Html:
    """A row of counts with their names. Those named in `people` are suppressed from 1 to `limit` when distributed."""

    def draw(masked: Sequence[str]) -> Html:
        pairs = (_pair(name, masked_count(n, limit) if name in masked else f"{n:,}") for name, n in counts.items())
        drawn = element("dl", *pairs)
        explained = f">{MARK}<" in drawn.markup
        return block("numbers", drawn, element("p", footnote(limit), class_="ennu-note-line") if explained else None)

    return Html(draw(()).markup, draw(people).markup if people else None)


def not_done(sentences: Iterable[str]) -> Html:
    """What this phase did not do or did not check, one sentence each, in plain words."""
    return block("not-done", element("ul", *(element("li", inline(s)) for s in sentences)))


def show(*parts: Html) -> Html:
    """Several blocks as one, for the last expression of a cell. Raises TypeError for anything that is not `Html`."""
    if not all(isinstance(part, Html) for part in parts):
        raise TypeError(
            "show() takes blocks made by ennu_lib.report; use table(), figure() or note() for anything else"
        )
    exact = join(parts).markup
    if all(part.distributable is None for part in parts):
        return Html(exact)
    return Html(exact, "".join(_distributed(part) for part in parts))


def either(internal: Html, distributable: Html) -> Html:
    """One block for the page inside the clinic, and another one for the page that is handed out."""
    return Html(internal.markup, _distributed(distributable))


def _distributed(part: Html) -> str:
    return part.markup if part.distributable is None else part.distributable


def _verdict(status: str, headline: str | Html, summary: str) -> Html:
    return block(
        "verdict",
        element("p", mark(status), class_="ennu-word"),
        element("p", _worded(headline), class_="ennu-headline") if headline else None,
        element("div", prose(summary), class_="ennu-summary") if summary else None,
    )


def _worded(text: str | Html) -> Html:
    return text if isinstance(text, Html) else inline(text)


def _pair(name: str, value: str) -> Html:
    return element("div", element("dt", label(name)), element("dd", value or DASH))
