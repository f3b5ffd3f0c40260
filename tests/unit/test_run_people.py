"""The `ennu identity` commands on a small run's files, and what they say about bad input."""

import csv
import dataclasses
import io
import os
import re
import signal
import stat
import subprocess
import sys

import httpx
import polars as pl
import pytest
import yaml

from ennu_lib import cli, identity
from ennu_lib.clock import SystemClock
from ennu_lib.config import load_run
from ennu_lib.evidence.phase import Phase
from ennu_lib.evidence.phases import phase_spec
from ennu_lib.progress import WATCHED
from ennu_lib.report.pagecheck import problems
from ennu_lib.workspace import Workspace
from tests.support.family_people import family_people
from tests.support.identity_params import PARAMS

pytestmark = pytest.mark.slow

NAMES = (
    "first_name=first_name,last_name=last_name,birth_date=date_of_birth,phone=phone_primary+phone_mobile,zip=zip_code"
)


@pytest.fixture
def ennu(monkeypatch, capsys):
    """Run the command in this process; gives its exit code and everything it said."""

    def run(*words):
        monkeypatch.setattr("sys.argv", ["ennu", "identity", *map(str, words)])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


@pytest.fixture(scope="module")
def matched():
    table, truth = family_people(1200, seed=5)
    return table, truth, identity.match_people(table, PARAMS)


@pytest.fixture
def run_file(matched, workspace_folder):
    """A run that has finished phase 03, with the clinic's answer key."""
    table, truth, found = matched
    file = workspace_folder.parent / "small.yml"
    target = {"emulator": {"state": "p.sqlite"}, "limits": "portal/limits-rehearsal.yml"}
    rehearsal = {"name": "small", "environment": "rehearsal", "today": "2026-06-30", "source": {"url": "sqlite:///x"}}
    file.write_text(yaml.safe_dump({**rehearsal, "target": target}))
    folder = workspace_folder / "r1"
    for part in ("evidence", "identity", "clean"):
        (folder / part).mkdir(parents=True)
    (folder / "run.yml").write_bytes(file.read_bytes())
    (folder / "evidence/03_dedupe.json").write_text("{}")
    table.write_parquet(folder / "clean/patients.parquet")
    files = {
        "members": identity.crosswalk(found),
        "clusters": found.clusters,
        "pairs": found.pairs,
        "review": found.review,
    }
    for name, frame in files.items():
        frame.write_parquet(folder / f"identity/{name}.parquet")
    labels = workspace_folder / "clinic/small.labels"
    labels.mkdir(parents=True)
    truth.write_parquet(labels / "identity_truth.parquet")
    return file


@pytest.fixture
def person(matched):
    """A person of two rows: both keys, the surviving one first."""
    found = matched[2]
    members = identity.crosswalk(found)
    two = members.filter(pl.len().over("golden_id") == 2).sort("golden_id")["golden_id"][0]
    (other,) = members.filter((pl.col("golden_id") == two) & (pl.col("patient_id") != two))["patient_id"]
    return two, other


def test_the_score_of_a_run_against_the_answer_key(ennu, run_file):
    code, said = ennu("score", "--run", run_file)
    assert code == 0
    assert "twins merged                             0 of" in said
    assert "after review by truth                    precision 1.0000" in said
    assert "calibration" in said


def test_showing_a_person_shows_values_only_on_request(ennu, run_file, matched, person):
    name = matched[0].filter(pl.col("patient_id") == int(person[0]))["last_name"][0]
    code, said = ennu("show", person[1], "--run", run_file)
    assert code == 0 and f"person {person[0]}: 2 rows" in said and name not in said
    assert name in ennu("show", person[1], "--run", run_file, "--values")[1]


def test_a_split_is_kept_and_can_be_undone_by_a_merge(ennu, run_file, person):
    survivor, other = person
    words = ("--run", run_file, "--who", "ann", "--why", "two charts")
    code, said = ennu("split", survivor, "--rows", other, *words)
    assert code == 0 and f"move everything of row {other} from {survivor} to {other}" in said
    assert f"person {survivor}: 1 rows" in ennu("show", survivor, "--run", run_file)[1]
    assert "ann: cannot_link" in ennu("show", survivor, "--run", run_file)[1]
    said = ennu("merge", survivor, other, *words)[1]
    assert f"retire record of {other}" in said
    assert f"person {survivor}: 2 rows" in ennu("show", other, "--run", run_file)[1]


def test_a_guarded_merge_waits_for_a_second_person(ennu, run_file, matched):
    risky = matched[2].review.filter(pl.col("guard").is_not_null()).row(0, named=True)
    words = ("merge", risky["left"], risky["right"], "--run", run_file, "--why", "same insurance card")
    assert "wait for a second reviewer" in ennu(*words, "--who", "ann")[1]
    assert "wait for a second reviewer" in ennu(*words, "--who", "ann")[1]
    assert "move everything" in ennu(*words, "--who", "bob")[1]


def test_a_worksheet_goes_out_private_and_comes_back_as_decisions(ennu, run_file, workspace_folder):
    assert ennu("review", "--run", run_file, "--mask")[0] == 0
    sheet = workspace_folder / "r1/identity/worksheet.csv"
    assert stat.S_IMODE(sheet.stat().st_mode) == 0o600
    lines = list(csv.DictReader(io.StringIO(sheet.read_bytes().decode("utf-8-sig"))))
    lines[0] |= {"answer": "different", "why": "twins"}
    out = io.StringIO()
    writer = csv.DictWriter(out, lines[0])
    writer.writeheader()
    writer.writerows(lines)
    sheet.write_text(out.getvalue())
    code, said = ennu("decide", sheet, "--run", run_file, "--who", "ann")
    assert code == 0 and "1 decisions kept" in said
    decided = identity.Registry("small").decisions()
    assert decided.select("decision", "who").rows() == [("cannot_link", "ann")]


def test_the_review_page_is_served_until_it_is_stopped_and_every_answer_is_kept(run_file, matched, workspace_folder):
    command = [sys.executable, "-m", "ennu_lib.cli", "identity", "review", "--open", "--who", "ann", "--run", run_file]
    served = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env={**os.environ, "BROWSER": "true"})  # fmt: skip
    assert "questions for ann" in served.stdout.readline() and "in the browser" in served.stdout.readline()
    doorway = workspace_folder / "r1/identity/review.html"
    assert stat.S_IMODE(doorway.stat().st_mode) == 0o600
    url = re.search(r"url=([^\"]+)", doorway.read_text())[1]
    assert httpx.post(f"{url}1", data={"answer": "same", "reason": "same 2"}, trust_env=False).status_code == 303
    served.send_signal(signal.SIGINT)
    said = served.communicate(timeout=20)[0]
    assert served.returncode == 0 and "1 decisions kept" in said and url not in said
    assert not doorway.exists()
    asked = matched[2].review.row(0, named=True)
    decided = identity.Registry("small").decisions()
    assert decided.select("left", "right", "who").rows() == [(str(asked["left"]), str(asked["right"]), "ann")]


def test_a_notebook_opens_the_page_by_hand_and_says_how_under_the_runner(
    run_file, matched, workspace_folder, monkeypatch
):
    found, registry = matched[2], identity.Registry("small")
    phase = Phase(phase_spec("03_dedupe"), load_run(run_file), Workspace("r1"), SystemClock())
    opened = identity.review_here(phase, PARAMS, registry, found, "ann")
    url = re.search(r'href="([^"]+)"', opened.markup)[1]
    assert "most doubtful first" in httpx.get(url, follow_redirects=True, trust_env=False).text
    monkeypatch.setenv(WATCHED, "1")
    few = dataclasses.replace(found, review=found.review.head(3))
    told = identity.review_here(phase, PARAMS, registry, few)
    assert "http" not in told.markup and "3 questions" in told.text and "ennu identity review --open" in told.text
    assert "3 questions" not in told.distributable and "10 or fewer" in told.distributable


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_any_table_is_matched_and_measured(ennu, matched, tmp_path, ending):
    table, truth, _ = matched
    file = tmp_path / f"people{ending}"
    rows = table.join(truth, on="patient_id")
    rows.write_csv(file) if ending == ".csv" else rows.write_parquet(file)
    out = tmp_path / f"found{ending}"
    code, said = ennu("match", file, "--columns", NAMES, "--truth", "person_id", "--out", out)
    assert code == 0 and "p >= 0.5" in said and "merged automatically" in said
    clusters = pl.read_csv(out) if ending == ".csv" else pl.read_parquet(out)
    assert len(clusters) == len(table)
    page = out.with_suffix(".html").read_text(encoding="utf-8")
    assert "How right it is" in page and "The largest groups" in page
    assert problems(page) == []
    assert not [name for name in table["address_line1"].drop_nulls().unique() if name in page]
    assert (
        "probability" in clusters.columns and "probability" in pl.read_parquet(tmp_path / "found.pairs.parquet").columns
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["match", "nothing.csv", "--columns", NAMES], 2, "there is no file nothing.csv"),
        (["match", "table.txt", "--columns", NAMES], 2, "neither .csv nor .parquet"),
        (["match", "{csv}", "--columns", "first_name=given,last_name=last_name"], 14, "no column 'given'"),
        (["match", "{csv}", "--columns", "shoe_size=last_name"], 10, "unknown field 'shoe_size'"),
        (["match", "{csv}", "--columns", "last_name"], 10, "'last_name' is not field=column"),
        (["match", "{csv}", "--columns", "last_name=last_name"], 14, "fewer than two columns"),
        (["match", "{csv}", "--columns", "last_name=last_name,last_name=first_name"], 10, "stands twice"),
        (["match", "{csv}", "--columns", "last_name=last_name+"], 10, "is not field=column"),
        (["match", "{csv}", "--columns", " "], 10, "names no column"),
        (["match", "{semicolon}", "--columns", "last_name=last_name"], 14, "separated by commas?"),
        (["match", "{ragged}", "--columns", "last_name=last_name"], 2, "as many values in every row"),
        (["show", "999999", "--run", "{run}"], 2, "no person and no row has this id"),
        (["split", "1", "--rows", "1", "--why", "x", "--run", "{run}"], 2, "name some, but not all"),
        (["decide", "nothing.csv", "--run", "{run}"], 2, "no worksheet nothing.csv"),
        (["score", "--run", "{run}", "--run-id", "other"], 17, "has finished 03_dedupe"),
    ],
)
def test_bad_words_end_in_one_line(ennu, run_file, tmp_path, words, code, said):
    (tmp_path / "one.csv").write_text("first_name,last_name\nAnn,Lee\n")
    (tmp_path / "two.csv").write_text("first_name;last_name\nAnn;Lee\n")
    (tmp_path / "three.csv").write_text("first_name,last_name\nAnn,Lee,Dee\n")
    files = {"csv": tmp_path / "one.csv", "semicolon": tmp_path / "two.csv", "ragged": tmp_path / "three.csv"}
    filled = [w.format(run=run_file, **files) for w in words]
    found = ennu(*filled)
    assert found[0] == code and said in found[1]
    assert found[1].count("\n") <= 2


def test_a_table_of_one_row_and_columns_without_values_are_said(ennu, tmp_path):
    file = tmp_path / "one.csv"
    file.write_text("first_name,last_name,date_of_birth\nAnn,Lee,1900-01-01\n")
    code, said = ennu("match", file, "--columns", "first_name=first_name,last_name=last_name,birth_date=date_of_birth")
    assert code == 0 and "1 rows are 1 people" in said and "birth_date holds no usable value" in said
