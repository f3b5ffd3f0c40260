"""What would make a page unfit for the archive or for a screen reader. Needs no browser and no network."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

ACTIVE = {"script", "iframe", "object", "embed", "form", "link", "base", "video", "audio", "source"}
LANDMARKS = {"main", "nav", "header", "footer"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_CALLS = re.compile(r"@import|url\(\s*['\"]?(?!#)(?!data:)|\bhttps?://", re.IGNORECASE)


def problems(page: str) -> list[str]:
    """Everything wrong with `page`, one sentence each; an empty list when it may be published.

    Self-containment: a Content-Security-Policy that allows nothing, no active element, no event handler, nothing
    fetched. Accessibility: language, title, one `h1`, headings without gaps, alt texts, captions and scopes of tables,
    unique ids, distinct landmarks, anchors that lead somewhere, links with a text.
    """
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return [*reader.found, *_document(reader), *_headings(reader), *_identity(reader)]


@dataclass
class _Table:
    caption: bool = False
    row_headers: int = 0


@dataclass
class _Reader(HTMLParser):
    """Walks a page once and notes what later checks need."""

    found: list[str] = field(default_factory=list)
    lang: str = ""
    policy: str = ""
    title: str = ""
    levels: list[int] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    landmarks: list[tuple[str, str]] = field(default_factory=list)
    tables: list[_Table] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    link: str | None = None

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._note(tag, given)
        self._refuse_active(tag, given)
        self._refuse_silent(tag, given)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open[-1] != tag:
            self.found.append(f"</{tag}> closes nothing that is open")
        else:
            self.open.pop()
        if tag == "table":
            self._close_table()
        if tag == "a" and self.link is not None:
            if not self.link.strip():
                self.found.append("a link has no text")
            self.link = None

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["title"] and "svg" not in self.open:
            self.title += data
        if self.open[-1:] == ["style"] and _CALLS.search(data):
            self.found.append("a style sheet fetches something")
        if self.link is not None:
            self.link += data

    def _note(self, tag: str, given: dict[str, str]) -> None:
        if tag == "html":
            self.lang = given.get("lang", "")
        if tag == "meta" and given.get("http-equiv", "").lower() == "content-security-policy":
            self.policy = given.get("content", "")
        if re.fullmatch(r"h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            self.link = ""
            if given.get("href", "").startswith("#"):
                self.targets.append(given["href"][1:])
        role = given.get("role") or (tag if tag in LANDMARKS else "")
        if role in LANDMARKS or role == "region":
            self.landmarks.append((role, given.get("aria-label", "")))
        if tag == "table":
            self.tables.append(_Table())
        if tag == "caption":
            self.tables[-1].caption = True

    def _refuse_active(self, tag: str, given: dict[str, str]) -> None:
        if tag in ACTIVE:
            self.found.append(f"<{tag}> is not allowed")
        self.found.extend(f"{name} on <{tag}> is a script" for name in given if name.startswith("on"))
        fetched = [given.get(name, "") for name in ("src", "srcset", "poster", "background")]
        fetched += [given.get(name, "") for name in ("href", "xlink:href") if tag != "a"]
        if any(not value.startswith(("data:", "#")) for value in fetched if value):
            self.found.append(f"<{tag}> fetches something")
        if given.get("href", "").lower().startswith("javascript:"):
            self.found.append("a link runs a script")
        if _CALLS.search(given.get("style", "")):
            self.found.append(f"the style of a <{tag}> fetches something")

    def _refuse_silent(self, tag: str, given: dict[str, str]) -> None:
        if tag == "img" and not given.get("alt", "").strip():
            self.found.append("a picture has no alt text")
        if tag == "svg" and given.get("aria-hidden") != "true" and not given.get("aria-label", "").strip():
            self.found.append("a drawing has no alt text")
        if tag == "th" and given.get("scope") not in ("col", "row"):
            self.found.append("a header cell has no scope")
        if given.get("role") == "region" and not given.get("aria-label", "").strip():
            self.found.append("a region has no label")
        if tag == "th" and given.get("scope") == "row":
            self.tables[-1].row_headers += 1

    def _close_table(self) -> None:
        table = self.tables.pop()
        if table.row_headers and not table.caption:
            self.found.append("a table has no caption")


def _document(reader: _Reader) -> list[str]:
    wrong = []
    if not reader.lang:
        wrong.append("the page does not say its language")
    if not reader.title.strip():
        wrong.append("the page has no title")
    if "default-src 'none'" not in reader.policy or "script-src" in reader.policy:
        wrong.append("the page has no Content-Security-Policy that allows nothing")
    if reader.open:
        wrong.append(f"<{reader.open[-1]}> is never closed")
    return wrong


def _headings(reader: _Reader) -> list[str]:
    wrong = [] if reader.levels.count(1) == 1 else [f"there are {reader.levels.count(1)} h1 headings, not one"]
    if reader.levels and reader.levels[0] != 1:
        wrong.append("the first heading is not the h1")
    gaps = [(a, b) for a, b in zip(reader.levels, reader.levels[1:], strict=False) if b > a + 1]
    return wrong + [f"an h{b} follows an h{a}" for a, b in gaps]


def _identity(reader: _Reader) -> list[str]:
    repeated = [f"id {name!r} stands {n} times" for name, n in Counter(reader.ids).items() if n > 1]
    landmarks = Counter(reader.landmarks).items()
    same = [f"{n} {role} landmarks are called {label!r}" for (role, label), n in landmarks if n > 1]
    nowhere = [f"#{name} leads nowhere" for name in sorted(set(reader.targets) - set(reader.ids))]
    return repeated + same + nowhere
