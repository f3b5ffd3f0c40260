"""The emulator as a process: how it starts, what it leaves, and that it does not outlive who started it."""

import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from ennu_lib.emulator import EmulatorSettings, running
from ennu_lib.errors import AlreadyRunning, TargetUnreachable, UsageError
from tests.support.emulated_portal import CALM, EmulatedPortal, text_property, upsert_input

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-m", "ennu_lib.emulator"]


def alive(url):
    try:
        return httpx.get(f"{url}/_stats", timeout=1).is_success
    except httpx.TransportError:
        return False


def wait_until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_the_command_announces_where_it_listens_and_takes_a_token(tmp_path):
    command = [*COMMAND, "--port", "0", "--state", str(tmp_path / "p.sqlite"), "--token", "mine"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = child.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:")
        portal = EmulatedPortal(line.split()[-1], "mine")
        assert portal.ok("GET", "/crm/v3/objects/contacts") == {"results": []}
    finally:
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) in (0, -signal.SIGTERM)
        child.stdout.close()


def test_it_listens_on_the_loopback_interface_only(tmp_path):
    with running(tmp_path / "p.sqlite") as url:
        port = int(url.rsplit(":", 1)[1])
        addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)}
        for address in addresses - {"127.0.0.1", "127.0.1.1"}:
            with pytest.raises(OSError):
                socket.create_connection((address, port), timeout=1)


def test_it_starts_with_settings_and_a_fault_plan(tmp_path):
    settings, faults = tmp_path / "settings.json", tmp_path / "faults.json"
    settings.write_text(EmulatorSettings(portal_id=5).model_dump_json())
    faults.write_text('{"rules": [{"kind": "locked"}]}')
    command = [*COMMAND, "--state", str(tmp_path / "p.sqlite"), "--settings", str(settings), "--faults", str(faults)]
    child = subprocess.Popen([*command, "--stop-with-stdin"], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    portal = EmulatedPortal(child.stdout.readline().split()[-1])
    assert portal.call("GET", "/crm/v3/objects/contacts").status_code == 423
    assert portal.ok("GET", "/_settings")["portal_id"] == 5
    child.communicate()
    assert child.returncode == 0


def test_it_does_not_outlive_a_parent_that_is_killed(tmp_path):
    script = (
        "import time\nfrom ennu_lib.emulator import running\n"
        f"with running({str(tmp_path / 'p.sqlite')!r}) as url:\n    print(url, flush=True)\n    time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    url = parent.stdout.readline().strip()
    assert alive(url)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not alive(url))


def test_it_stops_when_the_block_ends(tmp_path):
    with running(tmp_path / "p.sqlite") as url:
        assert alive(url)
    assert not alive(url)


def test_what_was_answered_survives_a_kill(tmp_path):
    state = tmp_path / "p.sqlite"
    command = [*COMMAND, "--state", str(state)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    portal = EmulatedPortal(child.stdout.readline().split()[-1])
    portal.set(**CALM.model_dump(mode="json"))
    portal.define(text_property("key", hasUniqueValue=True))
    for batch in range(5):
        portal.batch("contacts", "upsert", *(upsert_input(f"k{batch}-{i}") for i in range(100)))
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    with running(state, settings=CALM) as url:
        portal = EmulatedPortal(url)
        assert portal.count() == 500
        answer = portal.batch("contacts", "upsert", upsert_input("k4-99"), upsert_input("new")).json()
        assert sorted(r["new"] for r in answer["results"]) == [False, True]


def test_a_port_that_is_taken(tmp_path):
    with running(tmp_path / "p.sqlite") as url:
        command = [*COMMAND, "--port", url.rsplit(":", 1)[1], "--state", str(tmp_path / "q.sqlite")]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert ended.returncode == UsageError.exit_code
    assert ended.stderr.count("\n") == 1 and "--port" in ended.stderr


@pytest.mark.parametrize("name", ["p.sqlite", "nowhere/p.sqlite"])
def test_a_state_file_that_cannot_be_one(tmp_path, name):
    (tmp_path / "p.sqlite").write_text("This is no database, and long enough to be seen as such." * 20)
    ended = subprocess.run([*COMMAND, "--state", str(tmp_path / name)], capture_output=True, text=True, timeout=20)
    assert ended.returncode == UsageError.exit_code and ended.stdout == ""
    assert ended.stderr.count("\n") == 1 and "--state" in ended.stderr
    with pytest.raises(TargetUnreachable), running(tmp_path / name):
        pass


def test_a_state_file_that_is_being_served(tmp_path):
    with running(tmp_path / "p.sqlite") as url:
        command = [*COMMAND, "--state", str(tmp_path / "p.sqlite")]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=20)
        assert ended.returncode == AlreadyRunning.exit_code and ended.stderr.count("\n") == 1
        assert alive(url)
    with running(tmp_path / "p.sqlite") as url:
        assert alive(url)
