"""The page in a real browser: no request leaves it, nothing is complained of, it fits a telephone and prints on A4."""

from __future__ import annotations

import re
import runpy
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from ennu_lib.report.index import render_index
from ennu_lib.report.render import render_phase

pytestmark = pytest.mark.slow

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if not CHROMIUM:
    pytest.skip("no Chromium here", allow_module_level=True)

SAMPLE = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "golden" / "report" / "sample.py")))
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
]
# The browser calls home by itself; those calls end at the proxy of the test like any other.
OF_THE_BROWSER = re.compile(r"//[\w.-]+\.(google|googleapis|gvt1)\.com|^CONNECT [\w.-]+\.(google|googleapis|gvt1)\.com")


class Proxy:
    """Takes every request the browser makes to anywhere, notes its first line, and answers nothing."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                line = connection.recv(2000).split(b"\r\n")[0].decode("latin-1")
                if not OF_THE_BROWSER.search(line):
                    self.requests.append(line)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    made = Proxy()
    yield made
    made.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    notebook = folder / "03_dedupe.ipynb"
    nbformat.write(SAMPLE.notebook(), notebook)
    digest = render_phase(notebook, SAMPLE.EVIDENCE, SAMPLE.PROVENANCE, folder / "phase.html")
    render_index(SAMPLE.RUN, SAMPLE.phases(digest), folder / "index.html")
    return folder


def browse(page: Path, proxy: Proxy, *options: str) -> tuple[str, list[str]]:
    """The document as the browser has it, and what its console said."""
    profile = page.parent / "profile"
    routed = [f"--proxy-server=127.0.0.1:{proxy.port}", "--proxy-bypass-list=<-loopback>", f"--user-data-dir={profile}"]
    command = [CHROMIUM, *QUIET, *routed, *(options or ("--dump-dom",)), page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout, re.findall(r"CONSOLE.*", done.stderr)


@pytest.mark.parametrize("name", ["phase.html", "index.html"])
def test_a_page_makes_no_request_and_no_complaint(pages, proxy, name):
    document, console = browse(pages / name, proxy)
    assert "</footer>" in document
    assert proxy.requests == []
    assert console == []


LURE = '<img src="http://lure.example/x.png" alt="x"><script>document.title = "ran"</script></main>'


def test_even_a_page_that_was_tampered_with_makes_no_request(pages, proxy):
    page = pages / "lured.html"
    page.write_text((pages / "phase.html").read_text(encoding="utf-8").replace("</main>", LURE), encoding="utf-8")
    document, console = browse(page, proxy)
    assert proxy.requests == []
    assert "<title>ran</title>" not in document
    assert len(console) == 2 and all("Content Security Policy" in line for line in console)


def test_the_proxy_would_have_seen_it(pages, proxy):
    lured = (pages / "phase.html").read_text(encoding="utf-8").replace("</main>", LURE)
    page = pages / "open.html"
    page.write_text(re.sub(r"<meta http-equiv[^>]*>", "", lured), encoding="utf-8")
    document, _ = browse(page, proxy)
    assert any("http://lure.example/x.png" in line for line in proxy.requests)
    assert "<title>ran</title>" in document


TELEPHONE = 380  # CSS pixels
MEASURE = """<script>
const frame = document.querySelector("iframe");
frame.onload = () => { document.title = frame.contentDocument.documentElement.scrollWidth; };
</script>"""


@pytest.mark.parametrize("name", ["phase.html", "index.html"])
def test_a_page_never_scrolls_sideways_on_a_telephone(pages, proxy, name):
    inner = re.sub(r"<meta http-equiv[^>]*>", "", (pages / name).read_text(encoding="utf-8"))
    (pages / f"inner-{name}").write_text(inner, encoding="utf-8")
    outer = pages / f"outer-{name}"
    frame = f'<iframe src="inner-{name}" style="width:{TELEPHONE}px;height:900px;border:0"></iframe>'
    outer.write_text(f"<!DOCTYPE html><title></title>{frame}{MEASURE}", encoding="utf-8")
    document, _ = browse(outer, proxy, "--dump-dom", "--allow-file-access-from-files")
    assert int(re.search(r"<title>(\d+)</title>", document)[1]) <= TELEPHONE


def test_a_page_prints_tagged_on_a4(pages, proxy):
    target = pages / "page.pdf"
    browse(pages / "phase.html", proxy, "--no-pdf-header-footer", f"--print-to-pdf={target}")
    data = target.read_bytes()
    assert data.startswith(b"%PDF-")
    assert b"/StructTreeRoot" in data and b"/Lang (en)" in data
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", data)
    assert boxes and all(abs(float(w) - 595) < 1 and abs(float(h) - 842) < 1 for w, h in boxes)
    assert 3 <= len(boxes) <= 7
