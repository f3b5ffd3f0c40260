"""Figures: always described, always the same bytes, light enough to archive, and readable without colour."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from matplotlib.figure import Figure

from ennu_lib.report import charts, figure
from ennu_lib.report.accounts import ACCOUNTS
from ennu_lib.report.figures import marks
from ennu_lib.report.plotstyle import FILLS

DRAWINGS = {
    "bars": lambda: charts.bars({"Contact": 20_225, "Visit": 412_000, "Lab panel": None}, measure="records"),
    "before_after": lambda: charts.before_after({"Email": 3, "Phone": 5}, {"Email": 4, "Phone": 5}, measure="values"),
    "histogram": lambda: charts.histogram([0, 10, 20, 30], [12, None, 400], measure="score", counted="patients"),
    "completeness": lambda: charts.completeness({"a": {"x": 0.5, "y": None}, "b": {"x": 1.0, "y": 0.999}}),
    "accounts": lambda: charts.accounts({"a": dict.fromkeys(ACCOUNTS, 5), "b": {"loaded": 3}}),
    "schedule": lambda: charts.schedule({"01 audit": (0, 0.7), "02 remediation": (0.7, 61)}),
}


def block(name: str) -> str:
    return figure(DRAWINGS[name](), alt=f"Alt of {name}", caption="A caption.").markup


@pytest.mark.parametrize("name", DRAWINGS)
def test_the_same_data_give_the_same_bytes(name):
    assert block(name) == block(name)


def test_another_process_gives_the_same_bytes():
    program = (
        "import sys; from ennu_lib.report import charts, figure\n"
        "d = charts.bars({'Contact': 20225, 'Visit': 412000, 'Lab panel': None}, measure='records')\n"
        "sys.stdout.write(figure(d, alt='Alt of bars', caption='A caption.').markup)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == block("bars")


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_described_named_by_nothing_outside_and_small(name):
    markup = block(name)
    assert f'role="img" aria-label="Alt of {name}"' in markup
    assert "<figcaption>A caption.</figcaption>" in markup
    assert "http" not in markup and "<metadata" not in markup and "<!--" not in markup
    assert len(markup) < 40_000


@pytest.mark.parametrize("name", DRAWINGS)
def test_ids_are_prefixed_and_all_of_them_used(name):
    markup = block(name)
    ids = re.findall(r' id="([^"]*)"', markup)
    assert all(re.match(r"f[0-9a-f]{8}-", i) for i in ids)
    assert set(ids) == set(re.findall(r"url\(#([^)]*)\)|href=\"#([^\"]*)\"", markup) and _targets(markup))


def _targets(markup: str) -> set[str]:
    return {a or b for a, b in re.findall(r"url\(#([^)]*)\)|href=\"#([^\"]*)\"", markup)}


def test_two_figures_share_no_id():
    ids = [set(re.findall(r' id="([^"]*)"', block(name))) for name in ("accounts", "before_after")]
    assert ids[0] and ids[1] and not ids[0] & ids[1]


def test_many_marks_become_a_picture():
    fig = Figure()
    fig.add_subplot().scatter(range(1001), range(1001))
    assert marks(fig) == 1001
    markup = figure(fig, alt="A cloud", caption="Points").markup
    assert '<img src="data:image/png;base64,' in markup and 'alt="A cloud"' in markup


def test_a_thousand_marks_stay_a_drawing():
    fig = Figure()
    fig.add_subplot().plot(range(1000), range(1000))
    assert "<svg" in figure(fig, alt="A line", caption="Line").markup


def test_a_picture_is_the_same_bytes_too():
    def cloud() -> str:
        fig = Figure()
        fig.add_subplot().scatter(range(1500), range(1500))
        return figure(fig, alt="A cloud", caption="Points").markup

    assert cloud() == cloud()


@pytest.mark.parametrize(("alt", "caption"), [("", "x"), ("x", " ")])
def test_an_undescribed_figure_is_refused(alt, caption):
    with pytest.raises(ValueError, match="needs an alt text"):
        figure(DRAWINGS["bars"](), alt=alt, caption=caption)


def texts(fig: Figure) -> list[str]:
    return [text.get_text() for axes in fig.axes for text in axes.texts]


def test_every_bar_carries_its_value_and_a_withheld_one_its_mark():
    assert texts(DRAWINGS["bars"]()) == ["20,225", "412,000", "*"]


def test_bars_may_be_negative():
    axes = charts.bars({"a": 4.5, "b": -2}, measure="bits").axes[0]
    assert axes.get_xlim()[0] < -2 and axes.get_xlim()[1] > 4.5


def test_the_heat_map_rounds_no_gap_away_and_marks_what_is_not_there():
    assert texts(DRAWINGS["completeness"]()) == ["50", "–", "100", "99"]


def test_before_and_after_differ_by_pattern():
    first, second = DRAWINGS["before_after"]().axes[0].containers
    assert first[0].get_hatch() != second[0].get_hatch()


def test_every_account_has_its_own_fill():
    assert len(set(FILLS)) == len(ACCOUNTS) == len(FILLS)


def test_shares_of_a_table_fill_its_bar():
    bars = DRAWINGS["accounts"]().axes[0].containers
    ends = [max(patch.get_x() + patch.get_width() for patch in row) for row in zip(*bars, strict=True)]
    assert ends == pytest.approx([100, 100])


def test_wrong_data_are_refused():
    with pytest.raises(ValueError, match="nothing to draw"):
        charts.bars({}, measure="x")
    with pytest.raises(ValueError, match="same names"):
        charts.before_after({"a": 1}, {"b": 1}, measure="x")
    with pytest.raises(ValueError, match="one edge more"):
        charts.histogram([0, 1], [1, 2], measure="x", counted="y")


@pytest.mark.parametrize("counts", [[None, None], [2, None], [1, 3], [12, 400]])
def test_counts_have_whole_ticks_from_nothing_up(counts):
    drawn = charts.histogram([0, 10, 20], counts, measure="score", counted="patients")
    bottom, top = drawn.axes[0].get_ylim()
    ticks = [tick for tick in drawn.axes[0].get_yticks() if bottom <= tick <= top]
    assert bottom == 0 and len(ticks) >= 2 and all(tick == int(tick) for tick in ticks)
