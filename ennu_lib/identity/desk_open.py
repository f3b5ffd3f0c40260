"""Where a reviewer opens the review page: from a notebook that is worked through by hand, or in a browser."""

from __future__ import annotations

import getpass
import html
import os
import sys
import webbrowser
from pathlib import Path

from ennu_lib.evidence import Phase
from ennu_lib.identity.desk import Desk
from ennu_lib.identity.match import Identity
from ennu_lib.identity.params import IdentityParams
from ennu_lib.identity.registry import Registry
from ennu_lib.progress import WATCHED
from ennu_lib.report.blocks import note
from ennu_lib.report.html import Html, block, element
from ennu_lib.report.masking.sentences import masked_sentence
from ennu_lib.workspace import replacing

COMMAND = "ennu identity review --open"
_served: list = []  # the page of this kernel; running the cell again opens another one


def review_here(phase: Phase, params: IdentityParams, registry: Registry, found: Identity, who: str = "") -> Html:
    """Start the review page in this kernel and return a link to it; under the runner, return how to open it.

    `who` is the reviewer, by default the user of this machine. Answers count when the notebook is run again.
    """
    questions = f"{len(found.review):,} questions wait for people."
    if found.review.is_empty():
        return note("No question waits for a person.")
    if os.environ.get(WATCHED):
        said = f"{questions} `{COMMAND}` opens the review page; `--who` names the reviewer."
        return Html(note(said).markup, note(masked_sentence(said)).markup)
    from ennu_lib.identity.desk_server import DeskServer

    desk = Desk(found.review, phase.scan("clean/patients"), params, registry, who or getpass.getuser())
    while _served:
        _served.pop().stop()
    server = DeskServer(desk)
    server.start()
    _served.append(server)
    link = element("a", "Open the review page", href=server.url, target="_blank", rel="noopener noreferrer")
    title = element("p", "Review", class_="ennu-title")
    said = element("p", f"{questions} ", link, f" as {desk.who}, while this kernel runs. Then run the notebook again.")
    return block("note", title, said, data_kind="note")


def open_browser(url: str, file: Path) -> bool:
    """Open `url` by way of a private `file`: on a command line other users of this machine could read it.

    Returns whether there is a browser to open it with; one for terminals is left alone.
    """
    if not (os.environ.get("BROWSER") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) and (
        sys.platform not in ("darwin", "win32")
    ):
        return False
    with replacing(file) as temporary:
        temporary.write_text(f'<!DOCTYPE html><meta http-equiv="refresh" content="0;url={html.escape(url)}">')
    return webbrowser.open(file.as_uri())
