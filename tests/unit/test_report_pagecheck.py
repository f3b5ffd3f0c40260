"""The check of a page finds every defect it speaks of."""

from __future__ import annotations

import pytest

from ennu_lib.report.pagecheck import problems

HEAD = (
    '<!DOCTYPE html><html lang="en"><head><meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'
    "<title>T</title><style>p { color: red }</style></head>"
)
BODY = (
    '<body><main><h1 id="a">T</h1><h2>S</h2><p>x<br>y</p><a href="#a">up</a><img src="data:," alt="A">'
    '<svg aria-label="S"><use href="#b"></use></svg><table><caption>C</caption><tr><th scope="row">r</th></tr></table>'
    '<div role="region" aria-label="R"></div></main></body></html>'
)
GOOD = HEAD + BODY


def test_a_sound_page_has_no_problem():
    assert problems(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (' lang="en"', "", "does not say its language"),
        ("<title>T</title>", "", "no title"),
        ("default-src 'none'", "default-src *", "no Content-Security-Policy"),
        ("<h2>S</h2>", "<h3>S</h3>", "an h3 follows an h1"),
        ("<h2>S</h2>", "<h1>S</h1>", "there are 2 h1"),
        ('<h1 id="a">T</h1><h2>S</h2>', '<h2>S</h2><h1 id="a">T</h1>', "first heading is not the h1"),
        (' alt="A"', "", "a picture has no alt text"),
        (' aria-label="S"', "", "a drawing has no alt text"),
        (' scope="row"', "", "a header cell has no scope"),
        ("<caption>C</caption>", "", "a table has no caption"),
        ("<h2>S</h2>", '<h2 id="a">S</h2>', "id 'a' stands 2 times"),
        ('href="#a"', 'href="#z"', "#z leads nowhere"),
        (">up<", "><", "a link has no text"),
        (' aria-label="R"', "", "a region has no label"),
        ("</main>", '<div role="region" aria-label="R"></div></main>', "2 region landmarks are called 'R'"),
        ("</main>", "<script>1</script></main>", "<script> is not allowed"),
        ("</main>", '<link rel="stylesheet" href="x.css"></main>', "<link> is not allowed"),
        ("<p>", '<p onclick="x()">', "onclick on <p> is a script"),
        ('src="data:,"', 'src="https://example.test/x.png"', "<img> fetches something"),
        ('href="#a"', 'href="javascript:x()"', "a link runs a script"),
        ("color: red", "background: url(x.png)", "a style sheet fetches something"),
        ("color: red", "} @import 'x.css'; p {", "a style sheet fetches something"),
        ("<p>", '<p style="background: url(http://example.test)">', "the style of a <p> fetches something"),
        ("</main>", "", "</body> closes nothing"),
    ],
)
def test_a_defect_is_named(old, new, said):
    assert old in GOOD
    assert any(said in problem for problem in problems(GOOD.replace(old, new, 1))), problems(GOOD.replace(old, new, 1))
