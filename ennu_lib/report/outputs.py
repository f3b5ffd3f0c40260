"""One output of a run notebook as it stands on the page.

Blocks made by this library are shown. Plain text is shown inside the clinic and withheld from what is handed out. HTML
of any other origin is withheld: a raw frame would be a list of patients. Every output leaves a trace, so none is lost.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ennu_lib.errors import EnnuError
from ennu_lib.report.html import DISTRIBUTABLE_TYPE, Html, element, join
from ennu_lib.report.masking import Hit

INTERNAL, DISTRIBUTABLE = "internal", "distributable"
AUDIENCES = (INTERNAL, DISTRIBUTABLE)
STYLE_MARK = '<style data-ennu="style">'
_OURS = re.compile(r'\s*<div class="ennu ennu-')
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def draw_output(output: Mapping[str, Any], audience: str = INTERNAL) -> Html:
    """The page's form of one output: result, display, stream or error."""
    kind = output["output_type"]
    if kind == "stream":
        return _text(_ANSI.sub("", _joined(output["text"])), _origin(output["name"]), audience)
    if kind == "error":
        return error_box(output["ename"])
    return _data(output.get("data", {}), output.get("metadata", {}), audience)


def error_box(name: str) -> Html:
    """An exception by its class alone: its message may quote a record."""
    code, meaning = explain(name)
    ending = f" (exit code {code})" if code else ""
    return element(
        "div",
        element("p", "This cell ended in ", element("code", name), f"{ending}.", f" {meaning}" if meaning else ""),
        class_="withheld alarm",
    )


def explain(name: str) -> tuple[int | None, str]:
    """Exit code and meaning of one of our exception classes by name; nothing for any other."""
    pending: list[type] = [EnnuError]
    while pending:
        cls = pending.pop()
        if cls.__name__ == name:
            return cls.exit_code, (cls.__doc__ or "").strip().splitlines()[0]
        pending.extend(cls.__subclasses__())
    return None, ""


def withheld(why: str, alarm: bool = False) -> Html:
    """What stands in place of an output that is not shown."""
    return element("p", why, class_="withheld alarm" if alarm else "withheld")


def leak_notice(hits: list[Hit]) -> Html:
    """What stands in place of an output that holds personal data."""
    kinds = ", ".join(sorted({hit.kind.replace("_", " ") for hit in hits}))
    return withheld(f"Withheld: this has the shape of personal data ({kinds}).", alarm=True)


def _data(data: Mapping[str, Any], metadata: Mapping[str, Any], audience: str) -> Html:
    markup = _joined(data.get("text/html", ""))
    if markup.startswith(STYLE_MARK):
        return Html("")
    if _OURS.match(markup):
        distributable = _joined(data.get(DISTRIBUTABLE_TYPE, "")) or markup
        return Html(distributable if audience == DISTRIBUTABLE else markup)
    if markup:
        return withheld("Withheld: this output was not made by the report library.")
    picture = next((kind for kind in ("image/png", "image/jpeg", "image/svg+xml") if kind in data), None)
    if picture:
        return _picture(picture, _joined(data[picture]), metadata, audience)
    if "text/plain" in data:
        return _text(_joined(data["text/plain"]), "Result", audience)
    return withheld(f"Not shown: an output of type {', '.join(sorted(data)) or 'unknown'}.")


def _picture(kind: str, data: str, metadata: Mapping[str, Any], audience: str) -> Html:
    if audience == DISTRIBUTABLE:
        return withheld("Withheld from this rendering: a picture that was not made by the report library.")
    alt = metadata.get(kind, {}).get("alt") or "A picture without a description."
    source = f";utf8,{quote(data)}" if kind == "image/svg+xml" else f";base64,{data.strip()}"
    return element("img", src=f"data:{kind}{source}", alt=alt)


def _text(text: str, origin: str, audience: str) -> Html:
    if audience == DISTRIBUTABLE:
        return withheld(f"Withheld from this rendering: plain text ({origin.lower()}).")
    return join([element("p", origin, class_="origin"), element("pre", text)])


def _origin(stream: str) -> str:
    return "Printed" if stream == "stdout" else "Messages"


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)
