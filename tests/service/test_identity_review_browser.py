"""The review page in a real browser, by keyboard alone."""

import os
from pathlib import Path

import polars as pl
import pytest

from ennu_lib.identity import Desk, Registry
from ennu_lib.identity.desk_server import DeskServer
from tests.support.browser import CHROMIUM, browser
from tests.support.identity_params import PARAMS

pytestmark = pytest.mark.slow
if not CHROMIUM:
    pytest.skip("no Chromium here", allow_module_level=True)

PEOPLE = pl.DataFrame(
    {
        "patient_id": [4711, 815, 16, 23, 42, 108],
        "first_name": ["Jayden", "Kayden", "Ann", "Anna", "Robert", "Bob"],
        "last_name": ["Okafor", "Okafor", "Lee", "Lee-Ortiz", "Stone", "Stone"],
        "date_of_birth": ["2001-02-03", "2001-02-03", "1970-05-06", "1970-06-05", "1961-01-01", None],
        "phone_primary": ["2065550101", "2065550101", None, "3125550104", "4155550111", "4155550117"],
        "zip_code": ["98101", "98101", "60601", "60601", "94103", "94103"],
    }
)
QUEUE = pl.DataFrame(
    {
        "place": [1, 2, 3], "left": [4711, 16, 42], "right": [815, 23, 108], "probability": [0.97, 0.6, 0.8],
        "kind": ["twins", "one person", "one person"], "guard": ["twins", None, None],
        "reason": ["twins", "between the thresholds", "between the thresholds"],
    }
)  # fmt: skip


def test_a_queue_is_answered_by_keyboard_alone(tmp_path):
    registry = Registry("small", tmp_path / "workspace")
    server = DeskServer(Desk(QUEUE, PEOPLE, PARAMS, registry, "ann"))
    server.start()
    with browser(tmp_path / "profile") as page:
        page.open(server.url)
        assert "Okafor" not in page.see("1 of 3, most doubtful first")
        assert page.run("getComputedStyle(document.querySelector('.differs .value')).fontWeight") == "600"
        page.press("m")
        page.see("Okafor")
        _keep(page, "1-unmasked")
        page.press("1")  # no answer is chosen yet, so there is no reason to give
        page.press("s\x1bd")
        _keep(page, "2-reasons")
        page.press("1")
        page.see("2 of 3, most doubtful first")
        page.press("p")
        page.see("Your answer: different.")
        page.press("n")
        page.see("2 of 3")
        page.press("swlooked into both\r")
        page.see("3 of 3")
        page.press("?")
        page.see("next open question")
        _keep(page, "3-help")
        page.press("u3")
        page.see("Nothing is left for you to answer.")
        assert page.complaints == []
        assert page.requests and all(url.startswith(server.url) for url in page.requests if url != "about:blank")
    server.stop()
    told = registry.decisions().select("left", "right", "decision", "why").rows()
    assert told == [
        ("4711", "815", "cannot_link", "twins"),
        ("16", "23", "must_link", "looked into both"),
        ("42", "108", "unsure", "the patient has to be asked"),
    ]


def _keep(page, name: str) -> None:
    """For whoever wants to look: ENNU_SCREENSHOTS names a folder."""
    if folder := os.environ.get("ENNU_SCREENSHOTS"):
        page.screenshot(Path(folder) / f"review-{name}.png")
