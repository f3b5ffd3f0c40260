"""The review page: one question a screen, both rows side by side, keys for everything. Works without the script too."""

from __future__ import annotations

from collections.abc import Sequence

from ennu_lib.identity.desk import Desk, Line, Question
from ennu_lib.report.html import Html, element, join
from ennu_lib.report.theme import page_css

KEYS = (
    ("s", "the same person"),
    ("d", "different people"),
    ("u", "unsure"),
    ("1 … 9", "the reason; keeps the answer and goes on"),
    ("w", "words of your own; Enter keeps the answer"),
    ("n", "next question"),
    ("p", "previous question"),
    ("o", "next open question"),
    ("m", "mask or show what both rows share"),
    ("?", "these keys"),
)
CHOICES = (("same", "s", "the same person"), ("different", "d", "different people"), ("unsure", "u", "unsure"))
SIGNS = {"same": "=", "differs": "≠", "only left": "◂ only here", "only right": "only here ▸"}


def question_page(desk: Desk, question: Question, lines: Sequence[Line], wrong: str = "") -> str:
    """A question as a page; `wrong` says why an answer was not kept."""
    place, total = question.place, len(desk)
    return _page(
        f"Question {place} of {total}",
        element(
            "header",
            element("p", element("strong", f"{place} of {total}"), ", most doubtful first"),
            element("p", f"{desk.answered()} answered by {desk.who} · {'masked' if desk.masked else 'unmasked'}"),
            class_="masthead",
        ),
        element("h1", "Are these two rows one person?"),
        element("p", wrong, class_="wrong", role="alert") if wrong else None,
        _about(question),
        _rows(question, lines),
        _form(desk, question),
        _ways(desk, place),
        _help(),
    )


def end_page(desk: Desk) -> str:
    """What is said when nothing is left for this reviewer."""
    first = element("p", element("a", "Look at the questions again", href="1")) if len(desk) else None
    return _page(
        "Nothing is left to answer",
        element("h1", "Nothing is left for you to answer."),
        element("p", f"{desk.answered()} of {len(desk)} questions were answered by {desk.who}. Every answer is kept."),
        element("p", "The answers count from the next run of phase 03 on. Stop this page where it was started: "
                     "Ctrl-C in the terminal, or shut the notebook's kernel down."),
        first,
    )  # fmt: skip


def message_page(text: str) -> str:
    """One sentence as a page."""
    return _page("Not possible", element("h1", "Not possible"), element("p", text))


def style() -> str:
    """The style sheet: that of the report, and the desk's own."""
    return page_css()


def _about(question: Question) -> Html:
    needs = f"needs {question.needed} reviewers" if question.needed > 1 else "needs one reviewer"
    others = {0: "nobody else has answered", 1: "one other has answered"}.get(
        question.others, f"{question.others} others have answered"
    )
    said = [
        f"Asked because: {question.asked_because}" + (f" ({question.meaning})" if question.meaning else ""),
        f"likeliest: {question.kind}",
        f"probability of one person {question.probability:.1%}",
        f"{needs}, {others}",
    ]
    state = None
    if question.disputed:
        state = "You and another reviewer answered differently: the rows stay apart until you agree."
    elif question.mine:
        state = f"Your answer: {question.mine}. Another answer takes its place."
    elif not question.is_open:
        state = "Other reviewers have answered this one; your answer is not needed."
    return join(
        [element("p", " · ".join(said), class_="about"), element("p", state, class_="state") if state else None]
    )


def _rows(question: Question, lines: Sequence[Line]) -> Html:
    head = element("tr", *(element("th", text, scope="col") for text in
                           ("field", f"row {question.left}", "", f"row {question.right}")))  # fmt: skip
    body = [
        element(
            "tr",
            element("th", line.field.replace("_", " "), scope="row"),
            element("td", line.left, class_="value"),
            element("td", SIGNS[line.compares], class_="sign", aria_label=line.compares),
            element("td", line.right, class_="value"),
            class_="same" if line.compares == "same" else "differs",
        )
        for line in lines
    ]
    return element("table", element("thead", head), element("tbody", *body), class_="rows")


def _form(desk: Desk, question: Question) -> Html:
    choices = [_radio("answer", answer, key, words, answer == question.mine) for answer, key, words in CHOICES]
    reasons = [
        element(
            "fieldset",
            element("legend", f"Why {words}?"),
            *(_radio("reason", f"{answer} {n}", str(n), text) for n, text in
              enumerate(desk.params.review.reasons[answer], 1)),
            class_="reasons",
            data_for=answer,
        )
        for answer, _, words in CHOICES
    ]  # fmt: skip
    own = element(
        "label", element("kbd", "w"), " in your own words, without quoting the rows ",
        element("input", type="text", name_="why", maxlength=desk.params.review.own_words_most, autocomplete="off"),
        class_="own",
    )  # fmt: skip
    return element(
        "form",
        element("fieldset", element("legend", "Your answer"), *choices, class_="choices"),
        *reasons,
        own,
        element("button", "Keep the answer"),
        method="post",
        action=str(question.place),
        class_="answer",
    )


def _radio(name: str, value: str, key: str, words: str, checked: bool = False) -> Html:
    box = element("input", type="radio", name_=name, value=value, checked=checked, aria_keyshortcuts=key)
    return element("label", box, element("kbd", key), f" {words}")


def _ways(desk: Desk, place: int) -> Html:
    total = len(desk)
    before = element("a", element("kbd", "p"), " previous", href=str(place - 1), id="previous") if place > 1 else None
    after = element("a", element("kbd", "n"), " next", href=str(place + 1), id="next") if place < total else None
    mask = element("button", element("kbd", "m"), " show the values" if desk.masked else " mask the values", id="mask")
    mask = element("form", element("input", type="hidden", name_="place", value=place), mask, method="post",
                   action="mask")  # fmt: skip
    following = element("a", element("kbd", "o"), " next open", href=f"open-{place}", id="open")
    return element("nav", before, after, following, mask)


def _help() -> Html:
    keys = element(
        "dl", *(element("div", element("dt", element("kbd", key)), element("dd", what)) for key, what in KEYS)
    )
    return element("details", element("summary", element("kbd", "?"), " keys"), keys, id="help")


def _page(title: str, *parts: object) -> str:
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("link", rel="stylesheet", href="desk.css"),
        element("script", src="desk.js", defer=True),
    )
    body = element("body", element("main", *parts, class_="page desk"))
    return f"<!DOCTYPE html>{element('html', head, body, lang='en')}"
