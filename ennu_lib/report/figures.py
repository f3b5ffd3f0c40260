"""A matplotlib figure as a block of the report: always described in words, and the same bytes for the same data."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Callable, Sized

from matplotlib.figure import Figure

from ennu_lib.report.blocks import either, note
from ennu_lib.report.html import Html, block, element, inline
from ennu_lib.report.plotstyle import style

MANY_MARKS = 1000
PNG_DPI = 200


def figure(fig: Figure, *, alt: str, caption: str) -> Html:
    """`fig` with a caption; `alt` says in words what it shows, for whoever cannot see it.

    A drawing of up to 1,000 marks becomes vector graphics, one of more a picture of 200 dots per inch: past that point
    the vector file is the larger one. Raises ValueError when `alt` or `caption` is empty.
    """
    if not alt.strip() or not caption.strip():
        raise ValueError("a figure needs an alt text that says what it shows, and a caption")
    drawn = _png(fig, alt) if marks(fig) > MANY_MARKS else _svg(fig, alt)
    plate = element("div", drawn, class_="ennu-plate")
    return block("figure", element("figure", plate, element("figcaption", inline(caption))))


def figure_of(
    draw: Callable[..., Figure],
    data: Sized | None,
    *,
    alt: str,
    caption: str,
    nothing: str = "There is nothing to draw.",
    distributed: Sized | None = None,
) -> Html:
    """`figure(draw(data), …)`, or the note `nothing` where there are no data to draw.

    The distributable page gets `draw(distributed)` where that is given: the same data with small counts withheld.
    """
    if not data:
        return note(nothing)
    exact = figure(draw(data), alt=alt, caption=caption)
    return either(exact, figure(draw(distributed), alt=alt, caption=caption)) if distributed else exact


def marks(fig: Figure) -> int:
    """How many marks `fig` draws: points, bars, cells of a mesh. An image counts as one."""
    return sum(_marks(axes) for axes in fig.axes)


def _marks(axes) -> int:
    points = sum(len(line.get_xdata()) for line in axes.lines)
    shapes = sum(max(len(c.get_paths()), len(c.get_offsets()), _cells(c)) for c in axes.collections)
    return points + shapes + len(axes.patches) + len(axes.images) + len(axes.texts)


def _cells(collection) -> int:
    values = collection.get_array()
    return 0 if values is None else values.size


def _png(fig: Figure, alt: str) -> Html:
    data = base64.b64encode(_saved(fig, "png", {"Software": None})).decode()
    width, height = (round(inches * 96) for inches in fig.get_size_inches())
    return element("img", src=f"data:image/png;base64,{data}", alt=alt, width=width, height=height)


def _svg(fig: Figure, alt: str) -> Html:
    source = _saved(fig, "svg", {"Date": None, "Creator": None}).decode()
    drawing = re.search(r"<svg[^>]*viewBox=\"([^\"]*)\"[^>]*>(.*)</svg>", source, re.DOTALL)
    view, inner = drawing[1], _lean(drawing[2], alt)
    width = round(fig.get_size_inches()[0] * 96)
    return element("svg", Html(inner), viewBox=view, width=width, role="img", aria_label=alt)


def _saved(fig: Figure, kind: str, metadata: dict[str, None]) -> bytes:
    buffer = io.BytesIO()
    with style():
        fig.savefig(buffer, format=kind, dpi=PNG_DPI if kind == "png" else "figure", metadata=metadata)
    return buffer.getvalue()


def _lean(inner: str, alt: str) -> str:
    """Drop what only a stand-alone file needs, and make ids unique on the page."""
    inner = re.sub(r"<metadata>.*?</metadata>\s*", "", inner, flags=re.DOTALL)
    inner = re.sub(r"<!--.*?-->\s*", "", inner, flags=re.DOTALL)
    inner = inner.replace("xlink:href=", "href=")
    used = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", inner))
    prefix = "f" + hashlib.sha256(f"{alt}\0{inner}".encode()).hexdigest()[:8]
    inner = re.sub(r' id="([^"]*)"', lambda m: f' id="{prefix}-{m[1]}"' if m[1] in used else "", inner)
    inner = re.sub(r"(url\(#|href=\"#)", rf"\g<1>{prefix}-", inner)
    return re.sub(r">\s+<", "><", inner).strip()
