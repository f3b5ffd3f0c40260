"""Phase 02 from run to run: twice is once, undone is redone, what is repaired at the source is off the lists."""

import hashlib
import sqlite3

import polars as pl
import pytest

from ennu_lib.catalog import load_catalogue
from ennu_lib.config import params_dir
from ennu_lib.evidence.phase import read_evidence
from ennu_lib.quality.commands import replay, undo
from ennu_lib.rules import load_rules
from ennu_lib.rules.labels import load_detection
from ennu_lib.workspace import Workspace
from tests.conftest import KEY
from tests.support.in_process import run_phases
from tests.support.rehearsals import make_rehearsal

pytestmark = pytest.mark.slow

TASK = ("rule", "table", "column", "reason")


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory):
    """A small clinic after phases 01 and 02, in this process."""
    made = make_rehearsal(tmp_path_factory.mktemp("remediation"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**made.environment, "ENNU_KEY": KEY, "ENNU_PORTAL_TOKEN": "test-token"}.items():
            patch.setenv(name, value)
        built = made.ennu("clinic", "build", "--run", str(made.run_file))
        assert built.returncode == 0, built.stderr
        run_phases(made.run_file, "r1", "01", "02")
        yield made


def written(run_id, *names):
    """The hash of every file in these folders of the run."""
    root = Workspace(run_id).root
    files = [path for name in names for path in sorted(root.glob(f"{name}/*")) if path.suffix in (".parquet", ".csv")]
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def worklist(run_id):
    """All lines of all roles."""
    return pl.concat(pl.read_csv(path, infer_schema=False) for path in lists_of(run_id))


def lists_of(run_id):
    """The files of the roles; other lists have no tasks."""
    files = sorted(Workspace(run_id).root.glob("worklists/*.csv"))
    return [path for path in files if path.read_text().startswith("task,")]


def finding(run_id, wanted):
    return next(f for f in read_evidence(Workspace(run_id), "02_remediation")["findings"] if f["id"] == wanted)


def test_a_second_time_changes_nothing(rehearsal):
    first = written("r1", "clean", "worklists")
    assert (finding("r1", "REM-01")["numerator"], finding("r1", "REM-01")["status"]) == (0, "pass")
    run_phases(rehearsal.run_file, "r1", "02")
    assert written("r1", "clean", "worklists") == first and len(first) > 100


def test_every_rule_can_be_undone_and_all_are_redone(rehearsal):
    as_it_was = written("r1", "clean")
    events = Workspace("r1").scan("clean/events").collect()
    said = []
    undo("r1", sorted(events["rule"].unique()), said.append)
    assert f"{events.height:,} changes taken back" in said[-1]
    for table in events["table"].unique():
        source, clean = (Workspace("r1").scan(f"{room}/{table}").collect() for room in ("source", "clean"))
        changed = events.filter(pl.col("table") == table)["column"].unique().to_list()
        assert clean.select(pl.col(changed).cast(pl.String)).equals(source.select(pl.col(changed).cast(pl.String)))
    replay("r1", said.append)
    assert written("r1", "clean") == as_it_was


def test_a_list_begins_with_what_unblocks_most(rehearsal):
    lists = [pl.read_csv(path) for path in lists_of("r1")]
    assert len(lists) > 2
    assert all(one["unblocks"].is_sorted(descending=True) for one in lists)
    # What depends on a row in quarantine is unblocked with it.
    assert any(one["unblocks"][0] > one["rows"][0] > 0 for one in lists)


def test_what_is_repaired_at_the_source_is_off_the_list_in_the_next_run(rehearsal):
    """Whoever works through the lists writes the truth, which the builder's answer key has, into the old system."""
    listed = worklist("r1")
    key_of = {
        name: load_catalogue(params_dir() / "catalog").table(name).primary_key for name in listed["table"].unique()
    }
    labels = pl.read_parquet(rehearsal.folder / "workspace/clinic/tiny.labels/labels.parquet")
    named = pl.col("defect").str.split_exact(":", 1).struct.rename_fields(["kind", "column"])
    labels = labels.with_columns(named.alias("named")).unnest("named")
    found_by = load_detection(params_dir() / "rules/detection.yml", set(load_rules(params_dir() / "rules")))
    labels = labels.join(found_by.detectors(), on="kind")
    done = listed.join(labels, on=["table", "key", "column", "rule", "reason"], how="inner")
    done = done.unique(["table", "key", "column"])
    done = done.filter(pl.col("table").replace_strict(key_of, return_dtype=pl.List(pl.String)).list.len() == 1)
    assert done["rule"].n_unique() > 3
    with sqlite3.connect(rehearsal.folder / "workspace/clinic/tiny.sqlite") as database:
        for table, column, key, truth in done.select("table", "column", "key", "truth").iter_rows():
            set_it = f'UPDATE "{table}" SET "{column}" = ? WHERE "{key_of[table][0]}" = ?'
            assert database.execute(set_it, (truth, key)).rowcount == 1
    run_phases(rehearsal.run_file, "r2", "01", "02")
    repaired = done.select(*TASK, "reference")
    left = worklist("r2").join(repaired, on=[*TASK, "reference"], how="semi")
    assert left.height == 0
    held = [Workspace(run).scan("clean/quarantine").collect() for run in ("r1", "r2")]
    assert held[1].height < held[0].height
    assert set(held[1]["reference"]) <= set(held[0]["reference"])
    blocked = [Workspace(run).scan("clean/dependents").collect().height for run in ("r1", "r2")]
    assert blocked[1] < blocked[0]
