"""The same migration on a Synthea CSV export, data that nobody of this project made up."""

import json
from pathlib import Path

import pytest

from tests.support.rehearsals import make_rehearsal

EXPORT = Path(__file__).parents[1] / "support/synthea_export"
PEOPLE = 4
UNDER_AGE = 1  # PAT-04 keeps who is not of age from the load until the clinic decides
pytestmark = pytest.mark.slow


def test_every_adult_of_a_synthea_export_is_loaded_and_read_back(tmp_path):
    rehearsal = make_rehearsal(tmp_path).with_changes("synthea", clinic=None)
    for done in (
        rehearsal.ennu("clinic", "build", "--run", str(rehearsal.run_file), "--from-synthea", str(EXPORT)),
        rehearsal.run(timeout=900),
    ):
        assert done.returncode == 0, done.stdout + done.stderr
    loaded, read_back = (
        json.loads((tmp_path / f"workspace/r1/evidence/{phase}.json").read_text())
        for phase in ("07_load", "08_reconciliation")
    )
    contacts = next(row for row in loaded["tables"]["records"] if row["object"] == "contacts")
    assert contacts["verified"] == contacts["records"] == PEOPLE - UNDER_AGE
    counts = read_back["counts"]
    assert counts["tables"] == counts["tables_balanced"] == 189
    assert counts["equal"] == counts["records"] > 0
