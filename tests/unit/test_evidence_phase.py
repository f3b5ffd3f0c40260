"""Phases: in order, on files that are what they were, ending with their evidence."""

import json
import subprocess
import sys

import polars as pl
import pytest

from ennu_lib.errors import AlreadyRunning, ConfigurationError, GateFailed, OutOfOrder, SecretMissing, UsageError
from ennu_lib.evidence import PHASES, Severity, Status, check, open_phase, phase_spec, verdict_of
from ennu_lib.workspace import Workspace
from tests.support.run_text import RUN

FRAME = pl.DataFrame({"a": [1, 2]})


@pytest.fixture
def run_file(tmp_path):
    path = tmp_path / "run.yml"
    path.write_text(RUN)
    return str(path)


@pytest.fixture
def opened(run_file, tmp_path):
    def open_(name, **more):
        return open_phase(name, run_file, "r1", root=tmp_path / "w", **more)

    return open_


def audited(opened):
    phase = opened("01_audit")
    phase.write("source/patients", FRAME)
    return phase.finish("done", "all of it")


def remediated(opened):
    phase = opened("02_remediation")
    phase.write("clean/patients", phase.scan("source/patients"))
    return phase.finish("done", "all of it")


def test_a_phase_needs_the_phases_before_it(opened):
    with pytest.raises(OutOfOrder, match="02_remediation builds on 01_audit, which has not finished"):
        opened("02_remediation")


def test_the_evidence_names_inputs_outputs_and_where_it_came_from(opened):
    audited(opened)
    evidence = remediated(opened)
    assert set(evidence["inputs"]) == {"source/patients.parquet"}
    assert set(evidence["outputs"]) == {"clean/patients.parquet"}
    assert {"commit", "operator", "parameters_sha256", "python"} <= set(evidence["provenance"])


def test_a_changed_file_stops_the_next_phase(opened, tmp_path):
    audited(opened)
    (tmp_path / "w/r1/source/patients.parquet").write_bytes(b"tampered")
    with pytest.raises(OutOfOrder, match="has changed since 01_audit wrote it"):
        opened("02_remediation")


def test_a_phase_run_again_makes_its_followers_run_again(opened):
    audited(opened)
    remediated(opened)
    again = opened("01_audit")
    again.write("source/patients", FRAME.with_columns(b=1))
    again.finish("done", "anew")
    with pytest.raises(OutOfOrder, match="run 02_remediation again"):
        opened("03_dedupe")


def test_opening_a_phase_takes_its_old_end_marker_away(opened, tmp_path):
    audited(opened)
    opened("01_audit")
    assert not (tmp_path / "w/r1/evidence/01_audit.json").exists()


def test_a_run_id_stands_for_one_set_of_parameters(opened, run_file, tmp_path):
    audited(opened)
    (tmp_path / "run.yml").write_text(RUN.replace("2026-06-30", "2026-07-01"))
    with pytest.raises(OutOfOrder, match="start a new run with another run id"):
        opened("02_remediation")


def test_a_blocking_check_ends_the_phase_without_an_end_marker(opened, tmp_path):
    phase = opened("01_audit")
    phase.find(check("X-01", "nothing is lost", 1, 10, severity=Severity.BLOCK))
    with pytest.raises(GateFailed, match="X-01"):
        phase.finish("done", "not well")
    evidence = tmp_path / "w/r1/evidence"
    assert not (evidence / "01_audit.json").exists()
    assert json.loads((evidence / "01_audit.failed.json").read_text())["verdict"] == "fail"


def test_nothing_is_built_on_a_phase_whose_checks_failed(opened):
    phase = opened("01_audit")
    phase.find(check("X-02", "almost everything holds", 1, 10))
    assert phase.finish("done", "not well")["verdict"] == "fail"
    with pytest.raises(GateFailed, match="01_audit, where a check did not pass"):
        opened("02_remediation")


HOLDER = """\
import sys
from pathlib import Path
from ennu_lib.workspace import Workspace
with Workspace("r1", Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_phase_by_hand_keeps_other_processes_out_until_it_is_finished(opened, tmp_path):
    def holder():
        command = [sys.executable, "-c", HOLDER, str(tmp_path / "w")]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    opened("01_audit")
    phase = opened("01_audit")
    with holder() as refused:
        assert b"AlreadyRunning" in refused.communicate()[1]
    phase.finish("done", "all of it")
    with holder() as holding:
        assert holding.stdout.readline() == b"held\n"
        with pytest.raises(AlreadyRunning, match="shut down the kernel"):
            opened("01_audit")
        holding.stdin.close()


def test_a_phase_that_cannot_be_opened_holds_nothing(opened, tmp_path):
    with pytest.raises(OutOfOrder):
        opened("02_remediation")
    with Workspace("r1", tmp_path / "w").lock():
        pass


def test_a_missing_secret_is_named_and_never_guessed(opened, monkeypatch):
    monkeypatch.delenv("ENNU_KEY")
    with pytest.raises(SecretMissing, match="ENNU_KEY"):
        opened("01_audit").keys.fingerprint()


def test_a_wrong_run_file_opens_nothing(tmp_path):
    with pytest.raises(ConfigurationError):
        open_phase("01_audit", str(tmp_path / "nowhere.yml"), "r1", root=tmp_path)


@pytest.mark.parametrize("name", ["3", "03", "dedupe", "03_dedupe"])
def test_a_phase_is_found_by_number_or_noun(name):
    assert phase_spec(name).name == "03_dedupe"


def test_an_unknown_phase_lists_the_known_ones():
    with pytest.raises(UsageError, match=r"01_audit.*08_reconciliation"):
        phase_spec("9")


def test_phases_build_only_on_earlier_ones():
    names = [spec.name for spec in PHASES]
    assert all(names.index(needed) < names.index(spec.name) for spec in PHASES for needed in spec.needs)


@pytest.mark.parametrize(
    ("failed", "out_of", "tolerated", "status"),
    [
        (0, 0, 0.0, Status.NOT_APPLICABLE),
        (0, 10, 0.0, Status.PASS),
        (1, 10, 0.1, Status.PASS_WITH_EXCEPTIONS),
        (1, 10, 0.09, Status.FAIL),
    ],
)
def test_a_check_is_decided_by_its_share(failed, out_of, tolerated, status):
    assert check("X", "x", failed, out_of, tolerated=tolerated).status is status


def test_only_serious_failures_fail_a_phase():
    warned = check("A", "a", 1, 1, severity=Severity.WARN)
    assert verdict_of([warned]) is Status.PASS_WITH_EXCEPTIONS
    assert verdict_of([warned, check("B", "b", 1, 1)]) is Status.FAIL
    assert verdict_of([]) is Status.PASS
