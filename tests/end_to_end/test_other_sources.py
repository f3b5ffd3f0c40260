"""The same migration from a real MariaDB, a real PostgreSQL and a Synthea export: one line of the run file differs."""

import json
from pathlib import Path

import pytest

from tests.conftest import SERVERS, fresh_database
from tests.support.rehearsals import make_rehearsal

EXPORT = Path(__file__).parents[1] / "support/synthea_export"
PEOPLE = 4
pytestmark = pytest.mark.slow


@pytest.fixture(params=SERVERS)
def server_url(request):
    yield from fresh_database(request.param)


def evidence(rehearsal, phase):
    return json.loads((rehearsal.folder / f"workspace/r1/evidence/{phase}.json").read_text())


def migrated(rehearsal):
    """Run all phases; every table must balance and every record must have been read back equal."""
    done = rehearsal.run(timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    found = evidence(rehearsal, "08_reconciliation")["counts"]
    assert found["tables"] == found["tables_balanced"] == 189
    assert found["equal"] == found["records"] > 0
    return evidence(rehearsal, "07_load")


def test_a_clinic_in_a_server_is_migrated_by_changing_one_url(tmp_path, server_url):
    rehearsal = make_rehearsal(tmp_path, url=server_url, patients=12)
    built = rehearsal.ennu("clinic", "build", "--run", str(rehearsal.run_file))
    assert built.returncode == 0, built.stderr
    loaded = migrated(rehearsal)
    assert len(loaded["tables"]["records"]) == 7
    assert evidence(rehearsal, "06_backup")["verdict"] == "pass"


def test_every_patient_of_a_synthea_export_is_loaded_and_read_back(tmp_path):
    rehearsal = make_rehearsal(tmp_path).with_changes("synthea", clinic=None)
    built = rehearsal.ennu("clinic", "build", "--run", str(rehearsal.run_file), "--from-synthea", str(EXPORT))
    assert built.returncode == 0, built.stderr
    records = {row["object"]: row for row in migrated(rehearsal)["tables"]["records"]}
    assert records["contacts"]["verified"] == records["contacts"]["records"] == PEOPLE
