"""The committed notebooks run from top to bottom with their default parameters, under nbval, on a tiny clinic."""

import os
import re
import subprocess
import sys

from ennu_lib import emulator
from ennu_lib.config import project_root
from tests.support.rehearsals import make_rehearsal


def test_every_cell_of_every_notebook_runs(tmp_path):
    rehearsal = make_rehearsal(tmp_path, patients=15)
    built = rehearsal.ennu("clinic", "build", "--run", str(rehearsal.run_file))
    assert built.returncode == 0, built.stderr
    (tmp_path / "workspace/portal").mkdir()
    with emulator.running(tmp_path / "workspace/portal/tiny.sqlite", token="test-token") as url:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "--nbval-lax",
                "--nbval-current-env",
                "-q",
                "-p",
                "no:cacheprovider",
                "notebooks",
            ],
            cwd=project_root(),
            env={
                **rehearsal.environment,
                "ENNU_KEY": os.environ["ENNU_KEY"],
                "ENNU_RUN": str(rehearsal.run_file),
                "ENNU_RUN_ID": "nbval",
                "ENNU_PORTAL_URL": url,
            },
            capture_output=True,
            text=True,
            timeout=400,
        )
    assert done.returncode == 0, done.stdout[-4000:]
    assert len(re.findall(r"\.", done.stdout.split("[100%]")[0])) > 60
