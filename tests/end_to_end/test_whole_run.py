"""A whole migration on a tiny clinic: every phase, every page, second runs that write nothing, and bad endings.

The second runs read the same clinic out of a real MariaDB and a real PostgreSQL: one line of the run file differs, and
the portal must not see that it does. Without a server the second run reads the SQLite file again.
"""

import datetime as dt
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import date

import polars as pl
import pytest
import yaml

from ennu_lib.config import project_root
from ennu_lib.evidence import PHASES
from ennu_lib.report.masking.personal_data import scan
from ennu_lib.rules import MOMENTS
from tests.conftest import SERVERS, fresh_database
from tests.support.identifying_values import identifying_values, shown
from tests.support.rehearsals import make_rehearsal

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory):
    rehearsal = make_rehearsal(tmp_path_factory.mktemp("whole"))
    built = rehearsal.ennu("clinic", "build", "--run", str(rehearsal.run_file))
    assert built.returncode == 0, built.stderr
    return rehearsal


@pytest.fixture(scope="module")
def finished(rehearsal):
    done = rehearsal.run()
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def evidence(rehearsal, phase, run_id="r1"):
    return json.loads((rehearsal.folder / f"workspace/{run_id}/evidence/{phase}.json").read_text())


def test_one_line_per_phase_and_the_index_at_the_end(finished):
    lines = finished.stdout.splitlines()
    for spec in PHASES:
        assert sum(line.startswith(spec.name) and " rows " in line for line in lines) == 1
    assert lines[-1].startswith("reports: ")
    assert lines[-1].endswith("index.html")


def test_every_phase_has_a_page_an_executed_notebook_and_evidence(rehearsal, finished):
    reports = rehearsal.folder / "reports/r1"
    manifest = json.loads((reports / "manifest.json").read_text())["files"]
    for spec in PHASES:
        assert f"{spec.name}.html" in manifest
        assert evidence(rehearsal, spec.name)["verdict"].startswith("pass")
        assert (rehearsal.folder / f"workspace/r1/notebooks/{spec.name}.ipynb").is_file()
    assert "index.html" in manifest
    assert (reports.parent / "index.html").is_file()


def test_nothing_is_lost(rehearsal, finished):
    found = evidence(rehearsal, "08_reconciliation")
    assert found["counts"]["tables"] == found["counts"]["tables_balanced"] == 189
    assert found["counts"]["equal"] == found["counts"]["records"] > 1000
    accounts = pl.DataFrame(found["tables"]["accounts"])
    assert accounts["rows"].sum() == evidence(rehearsal, "01_audit")["counts"]["rows"]


def test_all_seven_objects_are_loaded_and_linked(rehearsal, finished):
    loaded = {row["object"]: row for row in evidence(rehearsal, "07_load")["tables"]["records"]}
    assert len(loaded) == 7
    assert all(row["verified"] == row["records"] > 0 for row in loaded.values())
    assert evidence(rehearsal, "07_load")["counts"]["links_verified"] > 1000


def test_every_phase_names_the_files_it_read(rehearsal, finished):
    read = {spec.name: set(evidence(rehearsal, spec.name)["inputs"]) for spec in PHASES}
    assert "source/patients.parquet" in read["02_remediation"] & read["06_backup"] & read["08_reconciliation"]
    assert {"targets/contacts.parquet", "targets/links.parquet", "scores/links.parquet"} <= read["07_load"]
    assert read["07_load"] | {"accounts/patients.parquet", "load/ids.contacts.parquet"} <= read["08_reconciliation"]


@pytest.fixture(params=["sqlite", *SERVERS])
def same_clinic(request, rehearsal):
    """The rehearsal with its clinic in this system, built there by the same command."""
    if request.param == "sqlite":
        if all(os.environ.get(name) for name in SERVERS.values()):
            pytest.skip("the servers stand in for a second reading of the SQLite file")
        yield rehearsal
        return
    for url in fresh_database(request.param):
        other = rehearsal.with_changes(request.param, source={"url": url})
        built = other.ennu("clinic", "build", "--run", str(other.run_file))
        assert built.returncode == 0, built.stderr
        yield other


def rows_named(rehearsal, phase, run_id="r1"):
    """Each rule's count and references."""
    findings = evidence(rehearsal, phase, run_id)["findings"]
    return {f["id"]: (f["status"], f["numerator"], f["rows"]) for f in findings if f["rows"]}


def test_a_second_run_writes_nothing(same_clinic, finished):
    name = f"again-{same_clinic.run_file.stem}"
    again = same_clinic.run(run_id=name, timeout=900)
    assert again.returncode == 0, again.stdout + again.stderr
    loaded, read_back = (evidence(same_clinic, phase, name)["counts"] for phase in ("07_load", "08_reconciliation"))
    assert (loaded["written"], loaded["links_written"]) == (0, 0)
    assert loaded["unchanged"] == loaded["rows"] > 1000
    assert read_back["tables"] == read_back["tables_balanced"] == 189
    assert read_back["equal"] == read_back["records"] == loaded["rows"]
    assert evidence(same_clinic, "06_backup", name)["verdict"] == "pass"
    for phase in MOMENTS.values():  # the same rows have the same references
        assert rows_named(same_clinic, phase, name) == rows_named(same_clinic, phase)


def test_pages_hold_no_value_of_a_patient(rehearsal, finished):
    patients = pl.read_parquet(rehearsal.folder / "workspace/r1/source/patients.parquet")
    values = {
        value
        for column in ("email_address", "phone_primary", "ssn", "address_line1", "date_of_birth", "member_number")
        for value in patients[column].drop_nulls().to_list()
        if len(value) > 7
    }
    assert len(values) > 50
    for page in (rehearsal.folder / "reports").rglob("*"):
        if page.is_file():
            text = page.read_text()
            assert [v for v in values if v in text] == []
            assert [hit.kind for hit in scan(re.sub(r"<style.*?</style>", "", text, flags=re.S))] == []


def test_pages_hold_no_value_of_a_column_that_is_classed_as_an_identifier(rehearsal, finished):
    today = dt.datetime.now(dt.UTC).date()
    run_days = [dt.date(2026, 6, 30), today, today - dt.timedelta(days=1)]
    values = identifying_values(rehearsal.folder / "workspace/r1", run_days)
    assert {"names", "dates", "medical_record_number", "telephone", "email"} <= set(values)
    assert min(len(values[kind]) for kind in ("names", "dates", "medical_record_number")) >= 20
    pages = [p for p in (rehearsal.folder / "reports/r1").rglob("*") if p.suffix in (".html", ".json")]
    assert len(pages) > len(PHASES)
    for page in pages:
        text = page.read_text()
        assert {kind: found for kind, some in values.items() if (found := shown(some, text))} == {}, page.name


def test_private_files_are_private(rehearsal, finished):
    for path in (rehearsal.folder / "workspace/r1").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_phase_out_of_order_says_which_one_to_run(rehearsal):
    done = rehearsal.run("--only", "04", run_id="fresh")
    assert done.returncode == 17
    assert "run 01_audit first" in done.stderr
    assert done.stderr.count("\n") == 1
    page = (rehearsal.folder / "reports/fresh/04_mapping.html").read_text()
    assert "OutOfOrder" in page
    assert "Ended in an error" in page


def test_an_unreachable_portal_has_its_own_exit_code_before_anything_is_read(rehearsal):
    silent = rehearsal.with_changes("silent", target={"url": "http://127.0.0.1:9"})
    done = silent.run(run_id="silent", ENNU_PORTAL_TOKEN="x")
    assert done.returncode == 15
    assert "does not answer" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (rehearsal.folder / "workspace/silent/source").exists()
    named = silent.run(run_id="nameless", ENNU_PORTAL_TOKEN="")
    assert (named.returncode, "ENNU_PORTAL_TOKEN" in named.stderr) == (11, True)


def test_repairs_hold_the_clean_truth_and_events_rebuild_them(rehearsal, finished):
    scored = rehearsal.ennu("quality", "score", "--run-id", "r1")
    assert scored.returncode == 0, scored.stdout + scored.stderr
    replayed = rehearsal.ennu("quality", "replay", "--run-id", "r1")
    assert replayed.stdout.rstrip().endswith("0 differ"), replayed.stdout + replayed.stderr


def test_the_rules_of_every_phase_prove_that_they_can_fail(rehearsal, finished):
    rates = [row for phase in MOMENTS.values() for row in evidence(rehearsal, phase)["tables"]["kill_rates"]]
    assert len({row["rule"] for row in rates}) == len(rates) == 73
    assert [row["rule"] for row in rates if row["planted"] and row["rate"] < 0.9] == []
    assert sum(row["planted"] for row in rates) > 300


def test_a_finding_names_rows_by_references_that_resolve_in_the_workspace_only(rehearsal, finished):
    found = {one["id"]: one for one in evidence(rehearsal, "02_remediation")["findings"]}["PAT-08"]
    assert found["rows"]["total"] == found["numerator"] > len(found["rows"]["listed"]) == 20
    first = found["rows"]["listed"][0]
    done = rehearsal.ennu("quality", "rows", "PAT-08", "--run-id", "r1", "--reference", first)
    assert done.stdout.startswith("1 rows,"), done.stderr
    resolved = pl.read_csv(rehearsal.folder / "workspace/r1/worklists/rows.PAT-08.csv")
    assert set(resolved["reference"]) == {first}
    assert resolved["key"].n_unique() == 1
    assert all(first not in page.read_text() for page in (rehearsal.folder / "reports").rglob("*.html"))


def test_unknown_keys_are_refused_before_anything_runs(rehearsal):
    wrong = rehearsal.with_changes("wrong", colour="red")
    done = wrong.run(run_id="wrong")
    assert done.returncode == 10
    assert "colour: unknown key" in done.stderr
    assert not (rehearsal.folder / "workspace/wrong").exists()


def test_a_run_is_undone_in_the_portal_by_one_command(rehearsal, finished):
    run = ("--run", str(rehearsal.run_file), "--run-id")
    made = evidence(rehearsal, "07_load")["counts"]["rows"]
    planned = rehearsal.ennu("portal", "restore", *run, "r1")
    assert f"{made:,} steps to undo" in planned.stdout, planned.stderr
    done = rehearsal.ennu("portal", "restore", *run, "r1", "--apply")
    assert "the portal is as it was" in done.stdout, done.stderr
    assert "nothing to undo" in rehearsal.ennu("portal", "restore", *run, "r1").stdout
    unknown = rehearsal.ennu("portal", "restore", *run, "nosuch")
    assert (unknown.returncode, "there is no run nosuch" in unknown.stderr) == (2, True)


def test_a_released_row_is_loaded_and_the_accounts_balance(rehearsal, finished):
    """One line in params/rules/releases.yml, and phases 02 to 04 again. It stands last: the run is another one then."""
    workspace = rehearsal.folder / "workspace/r1"
    held = pl.read_parquet(workspace / "clean/quarantine.parquet")
    accounts = pl.read_parquet(workspace / "accounts/lab_results.parquet")
    # A result that nothing but one rule keeps back.
    kept = held.join(accounts.filter(pl.col("account") == "quarantined"), on=["key"], how="semi")
    kept = kept.filter((pl.col("table") == "lab_results") & pl.struct("table", "key").is_unique())
    row = kept.filter(pl.col("rule").is_in(["CLN-01", "CLN-03"])).row(0, named=True)
    home = rehearsal.folder / "home"
    shutil.copytree(project_root() / "params", home / "params")
    for name in ("notebooks", "ennu_lib", "pyproject.toml"):
        (home / name).symlink_to(project_root() / name)
    line = {"row": row["reference"], "rule": row["rule"], "who": "medical director", "released": date(2026, 11, 28)}
    line |= {"why": "the laboratory confirmed the value"}
    # A rule that only flags: whoever signs for its rows acknowledges them.
    flagged = pl.read_parquet(workspace / "clean/issues.parquet").filter(pl.col("rule") == "PAT-09")["reference"]
    signed = [line | {"row": reference, "rule": "PAT-09"} for reference in flagged.unique()]
    (home / "params/rules/releases.yml").write_text(yaml.safe_dump({"releases": [line, *signed]}))
    for phase in ("02", "03", "04"):
        done = rehearsal.run("--only", phase, run_id="r1", ENNU_HOME=str(home))
        assert done.returncode == 0, done.stdout + done.stderr
    after = pl.read_parquet(workspace / "clean/quarantine.parquet")
    assert after.height == held.height - 1
    assert after.filter(pl.col("reference") == row["reference"]).is_empty()
    issues = pl.read_parquet(workspace / "clean/issues.parquet").filter(pl.col("reference") == row["reference"])
    assert issues.filter(pl.col("rule") == row["rule"])["state"].to_list() == ["accepted"]
    found = evidence(rehearsal, "02_remediation", "r1")
    assert sum(each["released"] for each in found["tables"]["quarantine"]) == 1
    findings = {one["id"]: one for one in found["findings"]}
    assert findings["REM-03"]["status"] == "pass"
    assert (findings["PAT-09"]["numerator"], findings["PAT-09"]["status"]) == (0, "pass_with_exceptions")
    assert "acknowledged" in findings["PAT-09"]["note"] and signed
    now = pl.read_parquet(workspace / "accounts/lab_results.parquet")
    assert now.filter(pl.col("key") == row["key"])["account"].to_list() == ["loaded"]
    assert now.height == accounts.height == now["key"].n_unique()
    sent = pl.read_parquet(workspace / "targets/measurement_history.parquet").filter(
        (pl.col("source_table") == "lab_results") & (pl.col("source_pk") == row["key"])
    )
    assert sent.height == 1
    gates = {one["id"]: one["status"] for one in evidence(rehearsal, "04_mapping", "r1")["findings"]}
    assert (gates["MAP-01"], gates["GEN-02"]) == ("pass", "pass")


def test_ctrl_c_ends_at_once_and_the_run_goes_on_later(rehearsal):
    command = [sys.executable, "-m", "ennu_lib.cli", "run", "--run", str(rehearsal.run_file), "--run-id", "stopped"]
    running = subprocess.Popen(
        command, env=rehearsal.environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    marker = rehearsal.folder / "workspace/stopped/source/patients.json"
    until = time.monotonic() + 60
    while not marker.exists() and time.monotonic() < until:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130, said
    assert "Traceback" not in said
    done = rehearsal.run("--only", "01", run_id="stopped")
    assert done.returncode == 0, done.stderr
