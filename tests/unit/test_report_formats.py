"""Numbers, sizes, times and hashes as a reader meets them."""

from __future__ import annotations

import datetime as dt

import pytest

from ennu_lib.report.formats import align_of, digest, duration, label, moment, number, percent, ratio, shown, size
from ennu_lib.report.html import Html, element, inline, join, prose, slug


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.5, "50.0 %"),
        (0.0004, "< 0.1 %"),
        (0.9996, "> 99.9 %"),
        (1 / 3, "33.3 %"),
    ],
)
def test_a_percentage_rounds_no_remainder_away(share, text):
    assert percent(share) == text


def test_a_ratio_without_a_population_has_no_percentage():
    assert ratio(0, 0) == "0 of 0"
    assert ratio(12, 4031) == "12 of 4,031 (0.3 %)"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.42, "0.4 s"),
        (9.96, "10.0 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3600, "1 h 00 min"),
        (7630, "2 h 07 min"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (24e9, "24.0 GB"), (2e15, "2,000.0 TB")]
)
def test_sizes_use_the_largest_unit_that_leaves_at_least_one(count, text):
    assert size(count) == text


def test_times_are_shown_in_utc():
    local = dt.datetime(2026, 3, 4, 11, 0, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    assert moment(local) == "2026-03-04 09:00:00 UTC"
    assert moment("2026-03-04T11:00:00+02:00") == "2026-03-04 09:00:00 UTC"
    assert moment("yesterday") == "yesterday"


def test_names_become_words():
    assert label("rows_in") == "Rows in"
    assert label("page_sha256") == "Page SHA-256"


def test_whole_numbers_have_no_decimals():
    assert number(1204.0) == "1,204"
    assert number(2.25) == "2.2"


def test_missing_values_are_a_dash_and_unknown_formats_are_refused():
    assert "–" in str(shown(None, "integer"))
    assert "–" in str(shown(float("nan"), "percent"))
    with pytest.raises(ValueError, match="a format is one of integer"):
        shown(1, "currency")


def test_zeros_step_back_in_a_sparse_count():
    assert shown(1204, "sparse") == "1,204"
    assert str(shown(0, "sparse")) == '<span class="ennu-none">0</span>'


def test_digits_are_part_of_a_format():
    assert shown(0.12345, "percent:2") == "12.35 %"
    assert shown(1234.5678, "decimal:3") == "1,234.568"


def test_numbers_stand_to_the_right_and_everything_else_to_the_left():
    assert align_of("percent:2") == "right"
    assert align_of("status") == "left"


def test_a_hash_can_be_copied_whole():
    assert digest("ab" * 32).text == "ab" * 32


def test_text_is_escaped_and_markup_is_not():
    drawn = element("p", "<b>&", Html("<i>x</i>"), class_="a", data_x='"', hidden=None, open=True)
    assert str(drawn) == '<p class="a" data-x="&quot;" open>&lt;b&gt;&amp;<i>x</i></p>'


def test_void_elements_are_not_closed():
    assert str(element("img", alt="a")) == '<img alt="a">'


def test_backticks_mark_names_and_blank_lines_part_paragraphs():
    assert str(inline("see `a<b`")) == "see <code>a&lt;b</code>"
    assert str(prose("one\n\ntwo")) == "<p>one</p><p>two</p>"


def test_joining_leaves_none_out():
    assert str(join(["a", None, Html("<b>")])) == "a<b>"


def test_slugs_hold_letters_and_digits_only():
    assert slug("What each rule found?") == "what-each-rule-found"
    assert slug("§") == "section"


def test_a_notebook_stores_the_markup_and_not_its_representation():
    bundle = Html("<p>x</p>", "<p>y</p>")._repr_mimebundle_()
    assert bundle["text/html"] == "<p>x</p>"
    assert bundle["text/plain"] == "Html of 8 characters"
    assert bundle["application/vnd.ennu.distributable+html"] == "<p>y</p>"
