"""A person is split after the load and merged again: each time the portal ends exactly as the targets say."""

import polars as pl
import pytest

from ennu_lib import emulator
from ennu_lib.hubspot import PortalClient, connect, load_portal_schema
from ennu_lib.hubspot.schema import EXTERNAL_ID
from ennu_lib.images import image_frame, images, link_files, objects_to_load
from ennu_lib.workspace import Workspace
from tests.support.rehearsals import make_rehearsal

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory):
    rehearsal = make_rehearsal(tmp_path_factory.mktemp("repair"), patients=60)
    for done in (rehearsal.ennu("clinic", "build", "--run", str(rehearsal.run_file)), rehearsal.run()):
        assert done.returncode == 0, done.stdout + done.stderr
    return rehearsal


def two_rows(workspace):
    """A loaded person of two rows with history on the row that was merged away: the surviving row and the other."""
    members = workspace.scan("identity/members").collect()
    merged = members.filter((pl.len().over("golden_id") == 2) & (pl.col("patient_id") != pl.col("golden_id")))
    visits = workspace.scan("source/appointments").collect()["patient_id"].cast(pl.String)
    loaded = workspace.scan("mapped/patients").filter(pl.col("__account") == "loaded").collect()["__key"]
    there = pl.col("patient_id").is_in(visits.implode()) & pl.col("golden_id").is_in(loaded.implode())
    return merged.filter(there).select("golden_id", "patient_id").row(0)


def differences(rehearsal, workspace):
    """Records and links that the portal has and should not, or lacks, or has otherwise."""
    state = rehearsal.folder / "workspace/portal/tiny.sqlite"
    with emulator.running(state, token="test-token") as url, connect(url, "test-token") as client:
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


def test_a_split_and_a_merge_repair_the_portal_exactly(rehearsal):
    workspace = Workspace("r1", rehearsal.folder / "workspace")
    survivor, other = two_rows(workspace)
    assert differences(rehearsal, workspace) == set()
    words = ("--run", str(rehearsal.run_file), "--who", "ann", "--why", "two charts")

    split = rehearsal.ennu("identity", "split", survivor, "--rows", other, *words)
    assert split.returncode == 0, split.stdout + split.stderr
    assert "create   contacts" in split.stdout and "remove " in split.stdout
    assert differences(rehearsal, workspace) != set()
    loaded = rehearsal.run("--from", "07")
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    assert differences(rehearsal, workspace) == set()

    merge = rehearsal.ennu("identity", "merge", survivor, other, *words)
    assert merge.returncode == 0, merge.stdout + merge.stderr
    assert "archive  contacts" in merge.stdout
    loaded = rehearsal.run("--from", "07")
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    assert differences(rehearsal, workspace) == set()
    assert workspace.names("repair") == []
