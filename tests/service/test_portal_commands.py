"""`ennu portal plan` and `apply` as an operator types them: refused without permission, killed half-way, run again."""

import json
import signal
import subprocess
import sys
import time

import httpx
import pytest
import yaml

from ennu_lib.emulator import EmulatorSettings, running
from tests.support.rehearsals import Rehearsal, make_rehearsal

ALLOW = ("--allow", "schema", "--allow", "sensitive", "--allow", "unique")
# So slow that a kill hits the middle of it, and on a portal of its own that outlives the killed command.
SETTINGS = EmulatorSettings(limits_enforced=False, latency_seconds=0.01)


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    with running(tmp_path_factory.mktemp("portal") / "portal.sqlite", settings=SETTINGS) as url:
        yield url


@pytest.fixture(scope="module")
def rehearsal(portal, tmp_path_factory) -> Rehearsal:
    folder = tmp_path_factory.mktemp("commands")
    seeds = {family: {"burst_seed": 1_000_000} for family in ("objects", "associations", "search")}
    (folder / "limits.yml").write_text(yaml.safe_dump({"families": seeds}))
    return make_rehearsal(folder).with_changes("here", target={"url": portal, "limits": str(folder / "limits.yml")})


def portal_command(rehearsal, *words):
    done = rehearsal.ennu(
        "portal", words[0], "--run", str(rehearsal.run_file), *words[1:], ENNU_PORTAL_TOKEN="test-token"
    )
    return done.returncode, done.stdout, done.stderr


def definitions(portal):
    return sum(found["properties"] for found in httpx.get(f"{portal}/_state").json()["object_types"].values())


@pytest.mark.slow
def test_apply_is_refused_without_permission_and_ends_well_after_being_killed(rehearsal, portal):
    before = definitions(portal)
    code, out, err = portal_command(rehearsal, "apply")
    assert code == 18 and "Plan: 310 to create" in out and "allow them by name: schema, sensitive, unique" in err
    assert definitions(portal) == before
    words = [sys.executable, "-m", "ennu_lib.cli", "portal", "apply", "--run", str(rehearsal.run_file), *ALLOW]
    environment = {**rehearsal.environment, "ENNU_PORTAL_TOKEN": "test-token"}
    for enough in (before + 40, before + 120):
        with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL) as killed:
            while definitions(portal) < enough and killed.poll() is None:
                time.sleep(0.05)
            killed.send_signal(signal.SIGKILL)
        assert killed.returncode == -signal.SIGKILL
    code, out, err = portal_command(rehearsal, "apply", *ALLOW)
    assert code == 0, err
    kept = json.loads((rehearsal.folder / "workspace" / "portal").glob("schema-*.json").__next__().read_text())
    assert kept["sha256"] in out and kept["allowed"] == ["schema", "sensitive", "unique"]
    code, out, _ = portal_command(rehearsal, "plan")
    assert code == 0 and "0 to create, 0 to change" in out and "The portal is as it should be." in out
