"""A person is split after the load and merged again: each time the portal ends exactly as the targets say."""

import shutil
from contextlib import contextmanager
from datetime import UTC, datetime

import polars as pl
import pytest

from ennu_lib import emulator, identity
from ennu_lib.errors import ConfigurationError
from ennu_lib.hubspot import PortalClient, connect, load_portal_schema
from ennu_lib.hubspot.opening import PORTAL_URL
from ennu_lib.hubspot.schema import EXTERNAL_ID
from ennu_lib.images import image_frame, images, link_files, objects_to_load
from ennu_lib.progress import WATCHED
from ennu_lib.run import people, repair
from ennu_lib.workspace import Workspace
from tests.conftest import KEY
from tests.support.in_process import run_phases
from tests.support.rehearsals import make_rehearsal

pytestmark = pytest.mark.slow
WHO, WHY = "ann", "two charts"


@pytest.fixture(scope="module")
def environment():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory, environment):
    """A loaded run r1 of a clinic just large enough for one duplicate with history."""
    rehearsal = make_rehearsal(tmp_path_factory.mktemp("repair"), patients=25)
    for name, value in {**rehearsal.environment, "ENNU_KEY": KEY, WATCHED: "1"}.items():
        environment.setenv(name, value)
    built = rehearsal.ennu("clinic", "build", "--run", str(rehearsal.run_file))
    assert built.returncode == 0, built.stdout + built.stderr
    run(rehearsal, "r1", "01", "02", "03", "04", "05", "06", "07")
    return rehearsal


@contextmanager
def portal(rehearsal):
    state = rehearsal.folder / "workspace/portal/tiny.sqlite"
    state.parent.mkdir(exist_ok=True)
    with emulator.running(state, token="test-token") as url:
        yield url


def run(rehearsal, run_id, *phases):
    with portal(rehearsal) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv(PORTAL_URL, url)
        patch.setenv("ENNU_PORTAL_TOKEN", "test-token")
        run_phases(rehearsal.run_file, run_id, *phases)


class InProcess:
    """Stands for the runner, without a kernel for each phase."""

    def __init__(self, run_file, run_id, say):
        self.run_file, self.run_id = run_file, run_id

    def run(self, phases):
        run_phases(self.run_file, self.run_id, *(spec.name for spec in phases))


def two_rows(workspace):
    """A loaded person of two rows with history on the row that was merged away: the surviving row and the other."""
    members = workspace.scan("identity/members").collect()
    merged = members.filter((pl.len().over("golden_id") == 2) & (pl.col("patient_id") != pl.col("golden_id")))
    visits = workspace.scan("source/appointments").collect()["patient_id"].cast(pl.String)
    loaded = workspace.scan("mapped/patients").filter(pl.col("__account") == "loaded").collect()["__key"]
    there = pl.col("patient_id").is_in(visits.implode()) & pl.col("golden_id").is_in(loaded.implode())
    return merged.filter(there).select("golden_id", "patient_id").row(0)


def differences(rehearsal, run_id):
    """Records and links that the portal has and should not, or lacks, or has otherwise."""
    workspace = Workspace(run_id)
    with portal(rehearsal) as url, connect(url, "test-token") as client:
        return _record_differences(client, workspace) | _link_differences(client, workspace)


def _record_differences(client: PortalClient, workspace):
    wrong = set()
    for name in objects_to_load(workspace):
        properties = {p.name for p in load_portal_schema().properties[name]}
        wanted = {i[EXTERNAL_ID]: i for i in images(image_frame(workspace, name, properties))}
        kept = set().union(*wanted.values())
        found = {r.properties[EXTERNAL_ID]: r.properties for r in client.list_records(name, sorted(kept))}
        wrong |= {(name, "record", i) for i in wanted.keys() ^ found.keys()}
        for i in wanted.keys() & found.keys():
            wrong |= {(name, i, p) for p in kept if bool(wanted[i].get(p)) != bool(found[i].get(p))}
    return wrong


def _link_differences(client: PortalClient, workspace):
    wrong = set()
    links = pl.concat([workspace.scan(name) for name in link_files(workspace)]).collect()
    for (near, far), rows in links.group_by("from_object", "to_object"):
        ids = [{r.properties[EXTERNAL_ID]: r.id for r in client.list_records(n, [EXTERNAL_ID])} for n in (near, far)]
        wanted = {(ids[0].get(a, a), ids[1].get(b, b)) for a, b in rows.select("from_id", "to_id").iter_rows()}
        every, found = list(ids[0].values()), set()
        for start in range(0, len(every), 500):
            read = client.read_associations(near, far, every[start : start + 500]).links
            found |= {(a, b) for a, targets in read.items() for b in targets}
        wrong |= {(near, far, *pair) for pair in found ^ wanted}
    return wrong


def test_a_split_names_the_exact_repair_and_the_load_carries_it_out(rehearsal, monkeypatch):
    survivor, other = two_rows(Workspace("r1"))
    assert differences(rehearsal, "r1") == set()
    said = []
    monkeypatch.setattr(repair, "Runner", InProcess)
    people.split_person(people.find_run(rehearsal.run_file, "r1"), survivor, [other], WHO, WHY, said.append)
    assert "create   contacts" in said[-2] and "remove " in said[-2]
    assert differences(rehearsal, "r1") != set()
    run(rehearsal, "r1", "07")
    assert differences(rehearsal, "r1") == set()
    assert Workspace("r1").names("repair") == []


def test_what_was_decided_since_is_repaired_by_a_new_run_too(rehearsal):
    """First a merge of the two, then a split, each loaded by a run that knows nothing of the one before."""
    survivor, other = two_rows_apart(rehearsal)
    registry = identity.Registry("tiny")
    for run_id, before in (("r2", "r1"), ("r3", "r2")):
        members = people.find_run(rehearsal.run_file, before).members
        ids, by = dict(members.iter_rows()), (WHO, datetime.now(UTC).isoformat(), WHY)
        if ids[survivor] != ids[other]:
            pair = [ids[survivor], ids[other]]
            decided = [
                identity.freed(registry.decisions(), members, pair, *by),
                identity.merge_events(members, pair, *by),
            ]
        else:
            decided = [identity.split_events(members, ids[survivor], [other], *by)]
        registry.decide(pl.concat(decided))
        root = rehearsal.folder / "workspace"
        shutil.copytree(root / before, root / run_id, ignore=shutil.ignore_patterns("load", "07_load*", "repair"))
        run(rehearsal, run_id, "03", "04", "05")
        assert differences(rehearsal, run_id) != set()
        shutil.rmtree(root / before / "targets")
        run(rehearsal, run_id, "07")
        assert differences(rehearsal, run_id) == set()
        assert Workspace(run_id).scan("load/repaired.links").filter(pl.col("action") == "remove").collect().height


def two_rows_apart(rehearsal):
    """The rows that the test before has split."""
    event = identity.Registry("tiny").decisions().row(0, named=True)
    return event["left"], event["right"]


def test_decisions_about_other_people_are_not_applied(rehearsal):
    registry = identity.Registry("tiny")
    registry.mark(pl.DataFrame({"key": ["1", "2"], "mark": ["a", "b"]}))
    with pytest.raises(ConfigurationError, match="people of another database"):
        run(rehearsal, "r3", "03")
