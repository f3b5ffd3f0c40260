"""Colours and style sheets of the report, in one place, so that figures, pages and the contrast test agree.

One accent colour. Red and ochre mark failures and exceptions only, and always beside a word and a shape.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

LIGHT = {
    "paper": "#ffffff",
    "wash": "#f5f7f7",
    "ink": "#1b2125",
    "muted": "#566068",
    "line": "#d6dcdf",
    "strong-line": "#8b969c",
    "accent": "#0b5d66",
    "caution": "#7d5000",
    "failure": "#9c1c22",
}

DARK = {
    "paper": "#14191c",
    "wash": "#1c2327",
    "ink": "#e4e8ea",
    "muted": "#a3adb3",
    "line": "#323c42",
    "strong-line": "#66737a",
    "accent": "#79c4cc",
    "caution": "#e3b765",
    "failure": "#ff9590",
}

# Tints of the accent and of grey for figures, each darkest first.
SHADES = ("#0b5d66", "#5f9aa1", "#b5d3d6", "#4b545a", "#98a2a8", "#d9dee1")

HERE = Path(__file__).parent


@cache
def component_css() -> str:
    """The sheet for tables, figures and blocks; JupyterLab gets this one, always on light paper."""
    return _variables(".ennu", LIGHT) + _sheet("components.css")


@cache
def page_css() -> str:
    """The sheet of a whole page: components, layout, print; dark paper only where the reader's screen asks for it."""
    dark = f"@media screen and (prefers-color-scheme: dark) {{\n{_variables(':root', DARK)}}}\n"
    return _variables(":root", LIGHT) + dark + _sheet("components.css") + _sheet("page.css") + _sheet("print.css")


def _variables(selector: str, colours: dict[str, str]) -> str:
    return f"{selector} {{ {' '.join(f'--{name}: {value};' for name, value in colours.items())} }}\n"


def _sheet(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
