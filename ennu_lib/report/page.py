"""The shell of every page: one file with its style inside, which cannot run a script or make a request."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ennu_lib.report.html import Html
from ennu_lib.report.theme import page_css
from ennu_lib.workspace import replacing

TEMPLATES = Path(__file__).parent / "templates"
PROMISE = "This page is a single file. It holds no script and cannot make a network request."


def draw_page(
    *,
    title: str,
    masthead: Sequence[str],
    head: Html,
    facts: Html,
    contents: Sequence[tuple[str, str]],
    body: Html,
    colophon: Sequence[Html | str],
    each_sheet: str = "",
) -> str:
    """A whole page. `each_sheet` is repeated at the foot of every printed sheet.

    Times, run identity and hashes belong into `facts`, `colophon` and `each_sheet` and nowhere else: whatever stands
    outside the `<!--run-->` parts is the same, byte for byte, for the same data.
    """
    page = (
        environment()
        .get_template("page.html.j2")
        .render(
            title=title,
            masthead=masthead,
            head=head,
            facts=facts,
            contents=contents,
            body=body,
            colophon=[*colophon, PROMISE],
            css=Html(page_css()),
            each_sheet=Html(re.sub(r"[^\w .,:·-]", "", each_sheet)),
        )
    )
    return _distinct_labels(page)


def write_page(page: str, out: Path) -> str:
    """Write `page` to `out`, whole or not at all, and return its SHA-256."""
    data = page.encode()
    with replacing(out) as temporary:
        temporary.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


@cache
def environment() -> Environment:
    """Jinja with escaping on; only `Html` passes unescaped."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )


def _distinct_labels(page: str) -> str:
    """Number the labels of regions that would otherwise be called the same."""
    seen: dict[str, int] = {}

    def numbered(match: re.Match[str]) -> str:
        seen[match[1]] = seen.get(match[1], 0) + 1
        return match[0] if seen[match[1]] == 1 else f'role="region" aria-label="{match[1]} ({seen[match[1]]})"'

    return re.sub(r'role="region" aria-label="([^"]*)"', numbered, page)
