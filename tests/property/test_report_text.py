"""Escaping, percentages and the search for leaks, for any text and any number."""

from __future__ import annotations

import html
import json
from html.parser import HTMLParser
from urllib.parse import quote

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ennu_lib.report import table
from ennu_lib.report.formats import percent
from ennu_lib.report.html import element
from ennu_lib.report.masking import scan, scan_canaries
from ennu_lib.report.masking.canaries import squeezed

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40)


class Reader(HTMLParser):
    """What a browser would make of a piece of markup."""

    def __init__(self, markup: str):
        super().__init__()
        self.text, self.tags = "", []
        self.feed(markup)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))


@given(TEXT, TEXT)
def test_any_text_and_attribute_is_read_back_as_it_was(text, attribute):
    read = Reader(element("p", text, title=attribute).markup)
    assert read.text == text
    assert read.tags == [("p", {"title": attribute})]


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="`@"), min_size=1, max_size=30))
def test_a_cell_never_opens_an_element(text):
    assume(not scan(text))
    read = Reader(table([{"column": text, "n": 1}], caption="x").markup)
    assert {tag for tag, _ in read.tags} <= {"div", "span", "table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert text in read.text


@given(st.floats(0, 1), st.integers(0, 3))
def test_a_percentage_is_nothing_or_all_only_when_it_is(share, digits):
    shown = percent(share, digits)
    assert (shown == "0 %") == (share == 0)
    assert (shown == "100 %") == (share == 1)


ENCODINGS = st.lists(
    st.sampled_from([html.escape, quote, lambda s: json.dumps(s)[1:-1], lambda s: s.replace("@", "&#x40;")]), max_size=3
)


@given(ENCODINGS, TEXT)
@settings(max_examples=150)
def test_an_email_is_found_however_it_was_encoded(encodings, before):
    text = f"{before.replace('%', '')} zeb.quill@quill.example"
    for encode in encodings:
        text = encode(text)
    assert "email" in {hit.kind for hit in scan(text)}


@given(st.text(st.sampled_from("abcdefghikéüñ' -"), min_size=10, max_size=30), ENCODINGS, st.booleans())
@settings(max_examples=150)
def test_a_planted_value_is_found_however_it_was_encoded(planted, encodings, upper):
    assume(len(squeezed(planted)) >= 6)
    text = planted.upper() if upper else planted
    for encode in encodings:
        text = encode(text)
    assert scan_canaries(f"<td>{text}</td>", {"label": planted})
