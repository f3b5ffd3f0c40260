"""The review queue as people see it: both rows side by side, masked by choice; and from answers to events."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from difflib import SequenceMatcher

import polars as pl

from ennu_lib.errors import ConfigurationError
from ennu_lib.identity.decisions import CANNOT_LINK, MUST_LINK, SCHEMA, UNSURE
from ennu_lib.identity.params import IdentityParams

ANSWERS = {"same": MUST_LINK, "different": CANNOT_LINK, "unsure": UNSURE}
QUESTION = ("question", "left_row", "right_row", "asked_because", "probability", "reviewers_needed")
ANSWER = ("answer", "who", "why")
DOT = "•"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def masked(left: str, right: str) -> tuple[str, str]:
    """Two values with every letter and digit they share as a dot: only what differs can be read."""
    if not left or not right:
        return _dots(left), _dots(right)
    shown: tuple[list[str], list[str]] = ([], [])
    for tag, a, b, c, d in SequenceMatcher(None, left.casefold(), right.casefold(), autojunk=False).get_opcodes():
        same = tag == "equal"
        shown[0].append(_dots(left[a:b]) if same else left[a:b])
        shown[1].append(_dots(right[c:d]) if same else right[c:d])
    return "".join(shown[0]), "".join(shown[1])


def _dots(text: str) -> str:
    return "".join(DOT if c.isalnum() else c for c in text)


def side_by_side(
    question: Mapping, people: pl.DataFrame, columns: Mapping[str, str | list[str]], key: str, *, mask: bool
) -> list[tuple[str, str, str]]:
    """field, left, right of one question of the queue, in the order of `columns`; nothing where both are empty."""
    rows = {str(row[key]): row for row in people.filter(pl.col(key).cast(pl.String).is_in(_sides(question))).to_dicts()}
    left, right = (rows[k] for k in _sides(question))
    shown = []
    for field, listed in columns.items():
        for column in [listed] if isinstance(listed, str) else listed:
            values = tuple("" if row.get(column) is None else str(row[column]).strip() for row in (left, right))
            if any(values):
                shown.append((column if not isinstance(listed, str) else field, *(masked(*values) if mask else values)))
    return shown


def worksheet(
    review: pl.DataFrame, people: pl.DataFrame, params: IdentityParams, *, key: str = "patient_id", mask: bool = False
) -> bytes:
    """The queue as a CSV worksheet: one question a row, both rows side by side, empty columns for the answer.

    `people` is the table that was matched. A value that a spreadsheet would run as a formula gets an apostrophe.
    """
    columns = {f: c for f, c in params.columns.items() if set([c] if isinstance(c, str) else c) & set(people.columns)}
    listed = [c for cs in columns.values() for c in ([cs] if isinstance(cs, str) else cs) if c in people.columns]
    wanted = pl.concat([review["left"], review["right"]]).cast(pl.String).unique()
    rows = people.filter(pl.col(key).cast(pl.String).is_in(wanted.implode()))
    by_key = {str(row[key]): row for row in rows.to_dicts()}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*QUESTION, *(f"{side} {c}" for c in listed for side in ("left", "right")), *ANSWER])
    for question in review.iter_rows(named=True):
        left, right = (by_key[k] for k in _sides(question))
        values = [(_text(left[c]), _text(right[c])) for c in listed]
        values = [masked(*pair) if mask else pair for pair in values]
        needed = params.decision.reviewers_where_guarded if question["guard"] else 1
        about = [question["place"], *_sides(question), question["reason"], f"{question['probability']:.4f}", needed]
        writer.writerow([*about, *(_safe(v) for pair in values for v in pair), "", "", ""])
    return out.getvalue().encode("utf-8-sig")


def answers(sheet: bytes, review: pl.DataFrame, when: str, who: str = "") -> pl.DataFrame:
    """The filled-in answers of a worksheet as review events; empty ones are none.

    `who` stands in where the column is empty. Raises ConfigurationError, naming every row: an unknown answer, an answer
    without who or why, a question that is not in the queue.
    """
    asked = {_sides(q) for q in review.iter_rows(named=True)}
    mistakes, events = [], []
    lines = csv.DictReader(io.StringIO(sheet.decode("utf-8-sig")))
    missing = [c for c in ("left_row", "right_row", *ANSWER) if c not in (lines.fieldnames or [])]
    if missing:
        raise ConfigurationError("the worksheet", [f"column {c!r} is missing" for c in missing])
    for number, line in enumerate(lines, 2):
        answer, name, why = ((line[c] or "").strip() for c in ANSWER)
        if not answer:
            continue
        if answer.lower() not in ANSWERS:
            mistakes.append(f"row {number}: the answer is one of {', '.join(ANSWERS)}")
        elif (line["left_row"], line["right_row"]) not in asked:
            mistakes.append(f"row {number}: this question is not in the queue")
        elif not (name or who) or not why:
            mistakes.append(f"row {number}: an answer needs who gave it and why")
        else:
            events.append((line["left_row"], line["right_row"], ANSWERS[answer.lower()], name or who, when, why))
    if mistakes:
        raise ConfigurationError("the worksheet", mistakes)
    return pl.DataFrame(events, schema=SCHEMA, orient="row")


def _sides(question: Mapping) -> tuple[str, str]:
    return str(question["left"]), str(question["right"])


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _safe(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA) else value
