"""Colours: one palette for pages and figures, and every text of it readable."""

from __future__ import annotations

import itertools
import re

import pytest

from ennu_lib.report.plotstyle import FILLS, STYLE
from ennu_lib.report.theme import DARK, LIGHT, SHADES, component_css, page_css


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_itself():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "wash"])
@pytest.mark.parametrize("text", ["ink", "muted", "accent", "caution", "failure"])
def test_text_reaches_the_contrast_that_wcag_asks_for(palette, ground, text):
    assert contrast(palette[text], palette[ground]) >= 4.5


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("tone", ["accent", "caution", "failure", "muted"])
def test_the_cut_in_a_shape_can_be_seen(palette, tone):
    assert contrast(palette[tone], palette["paper"]) >= 3


def test_both_palettes_name_the_same_colours():
    assert LIGHT.keys() == DARK.keys()


def test_style_sheets_use_no_colour_of_their_own():
    text = re.sub(r"(:root|\.ennu) \{ --.*?\}", "", page_css())
    loose = set(re.findall(r"#[0-9a-f]{6}", text)) - {"#ffffff", LIGHT["muted"]}
    assert not loose, "white is the plate of a figure, and the margin of a printed sheet takes no variable"


def test_every_variable_in_use_is_defined():
    assert set(re.findall(r"var\(--([a-z-]+)\)", page_css())) <= set(LIGHT)


def test_style_sheets_fetch_nothing():
    assert not re.search(r"url\(|@import|http", page_css() + component_css())


def test_figures_draw_from_the_same_palette():
    assert STYLE["text.color"] == LIGHT["ink"]
    assert SHADES[0] == LIGHT["accent"]
    assert {colour for colour, _ in FILLS} <= set(SHADES)


def test_two_fills_that_look_alike_in_grey_differ_by_pattern():
    for (a, hatch_a), (b, hatch_b) in itertools.combinations(FILLS, 2):
        assert hatch_a != hatch_b or contrast(a, b) >= 1.5, (a, b)
