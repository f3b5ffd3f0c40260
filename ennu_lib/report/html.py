"""Pieces of HTML that are safe by construction: text is escaped, attributes are quoted, markup is typed."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass

VOID = {"br", "col", "hr", "img", "input", "link", "meta", "wbr"}


@dataclass(frozen=True, repr=False)
class Html:
    """Markup made by this library. A notebook shows it when it is the last expression of a cell.

    `distributable` is the same block with small counts about people suppressed, where the two differ. A run notebook
    carries both; the page takes the one for its audience.
    """

    markup: str
    distributable: str | None = None

    @property
    def text(self) -> str:
        """What a reader sees of it: the markup without its tags."""
        return html.unescape(re.sub(r"<[^>]*>", "", self.markup))

    def __str__(self) -> str:
        return self.markup

    def __html__(self) -> str:
        return self.markup

    def __repr__(self) -> str:
        return f"Html of {len(self.markup):,} characters"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        bundle = {"text/html": self.markup, "text/plain": repr(self)}
        if self.distributable is not None:
            bundle[DISTRIBUTABLE_TYPE] = self.distributable
        return bundle


DISTRIBUTABLE_TYPE = "application/vnd.ennu.distributable+html"
NOTHING = Html("")


def element(name: str, *children: object, **attributes: object) -> Html:
    """`<name>` with children and attributes.

    Children that are not `Html` are escaped; None is left out. Attribute names lose a trailing underscore and turn
    others into hyphens (`class_`, `aria_label`); a value of None or False is left out, True stands alone.
    """
    opening = f"<{name}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    if name in VOID:
        return Html(opening)
    return Html(f"{opening}{join(children)}</{name}>")


def join(children: Iterable[object], separator: str = "") -> Html:
    """The children one after the other, escaped where they are not markup."""
    return Html(separator.join(markup(child) for child in children if child is not None))


def markup(child: object) -> str:
    """The markup of a child: its own when it is `Html`, otherwise its text, escaped."""
    return child.markup if isinstance(child, Html) else html.escape(str(child), quote=False)


def prose(text: str) -> Html:
    """Plain text as paragraphs: blank lines part them, and `backticks` mark names of tables, columns and files."""
    paragraphs = [p.strip() for p in re.split(r"\n\s*\n", text) if p.strip()]
    return join(element("p", inline(p)) for p in paragraphs)


def inline(text: str) -> Html:
    """One line of text in which `backticks` mark a name."""
    parts = re.split(r"`([^`]+)`", text)
    return join(element("code", part) if i % 2 else part for i, part in enumerate(parts))


def slug(text: str) -> str:
    """A readable id made of the letters and digits of `text`."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "section"


def block(kind: str, *children: object, **attributes: object) -> Html:
    """A block of the report: the renderer shows these and withholds HTML of any other origin."""
    return element("div", *children, class_=f"ennu ennu-{kind}", data_ennu=kind, **attributes)


def _attribute(key: str, value: object) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'
