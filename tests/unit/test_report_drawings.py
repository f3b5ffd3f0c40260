import re

import pytest

from ennu_lib.report import figure_of
from ennu_lib.report.drawings import groups, panels, waterfall

TRIANGLE = ("group 1", 3, [(0, 1, "1.00", False), (1, 2, "0.98", False), (0, 2, "0.40", True)])


def test_the_bars_of_a_waterfall_join_and_end_in_the_sum():
    axes = waterfall([("prior", -10.0), ("name", 6.0), ("birth date", 9.0)], measure="bits", total="sum").axes[0]
    ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in axes.patches]
    assert [sorted(end) for end in ends] == [[-10, 0], [-10, -4], [-4, 5], [0, 5]]
    assert axes.patches[0].get_hatch() and not axes.patches[1].get_hatch()


def test_panels_share_their_rows_and_mark_one_of_them():
    figure = panels({"merged": [3, None], "reviewed": [1, 2]}, rows=["0.9", "0.99"], marked="0.99")
    first, second = figure.axes
    assert first.get_shared_y_axes().joined(first, second)
    assert first.patches[0].get_facecolor() != first.patches[1].get_facecolor()
    assert "*" in [text.get_text() for text in first.texts]


def test_groups_number_their_members_and_dash_weak_links():
    axes = groups([TRIANGLE]).axes[0]
    assert {"1", "2", "3", "1.00"} <= {text.get_text() for text in axes.texts}
    assert [line.get_linestyle() for line in axes.lines] == ["-", "-", "--"]


@pytest.mark.parametrize(
    "draw", [lambda: waterfall([], measure="x", total="y"), lambda: panels({}, rows=[]), lambda: groups([])]
)
def test_nothing_to_draw_is_refused(draw):
    with pytest.raises(ValueError, match="nothing to draw"):
        draw()


def test_a_figure_of_nothing_is_a_note_and_small_counts_stay_inside():
    words = {"alt": "a", "caption": "c", "nothing": "Nobody was merged."}
    assert "Nobody was merged." in figure_of(groups, [], **words).markup
    shown = figure_of(groups, [TRIANGLE], distributed=[("group 1", 3, [])], **words)
    assert re.search(r">1\.00<", shown.markup) and not re.search(r">1\.00<", shown.distributable)
