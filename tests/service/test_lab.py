"""`ennu lab` serves notebook 01, with the demo's clinic built and its portal running."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from tests.support.rehearsals import make_rehearsal

pytestmark = pytest.mark.slow


def answer(url):
    with urllib.request.urlopen(url, timeout=5) as reply:
        return json.load(reply)


def test_notebook_01_can_be_opened_beside_a_running_portal(tmp_path):
    rehearsal = make_rehearsal(tmp_path, patients=12)
    words = ["lab", "--run", str(rehearsal.run_file), "--", "--no-browser", "--port=0", "--IdentityProvider.token="]
    said = tmp_path / "said.txt"
    with said.open("w") as out:
        lab = subprocess.Popen(
            [sys.executable, "-m", "ennu_lib.cli", *words], env=rehearsal.environment, stdout=out, stderr=out
        )
    try:
        until = time.monotonic() + 120
        while not (found := re.search(r"http://127\.0\.0\.1:\d+/", said.read_text())) and time.monotonic() < until:
            assert lab.poll() is None, said.read_text()
            time.sleep(0.2)
        opened = answer(f"{found[0]}api/contents/01_audit.ipynb?content=0")
        assert opened["name"] == "01_audit.ipynb"
        assert (tmp_path / "workspace/portal/tiny.sqlite").is_file()
    finally:
        lab.send_signal(signal.SIGTERM)
        lab.wait(timeout=30)
    with pytest.raises(urllib.error.URLError):
        answer(f"{found[0]}api/status")
