"""Upserted records a second through real HTTP, client and emulator on two cores, into a portal that is already full.

Beside it stands the obvious emulator: a dictionary in memory behind the same server, without a rule checked or a byte
kept. ENNU_BENCH_STORED sets how many records the portal holds beforehand (default 20,000; the figure to reach is for
1,000,000), ENNU_BENCH_RECORDS how many are upserted then, half of them new (default 10,000). Run with `-s` to see the
table.
"""

import contextlib
import hashlib
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import orjson
import psutil
import pytest

from ennu_lib.clock import SystemClock
from ennu_lib.emulator import EmulatorSettings, running
from ennu_lib.emulator.batches import upsert
from ennu_lib.emulator.calls import Call, Portal, Version
from ennu_lib.emulator.schemas import create
from ennu_lib.emulator.store import Store

STORED = int(os.environ.get("ENNU_BENCH_STORED", "20000"))
RECORDS = int(os.environ.get("ENNU_BENCH_RECORDS", "10000"))
SENDERS = 2
SETTINGS = EmulatorSettings(limits_enforced=False, custom_object_records=1_000_000_000)
KINDS = {
    "s": ("string", "text", 8),
    "n": ("number", "number", 4),
    "d": ("date", "date", 3),
    "t": ("datetime", "date", 2),
    "e": ("enumeration", "select", 2),
}
VALUES = {"s": "Some words of a clinical note", "n": "98.6", "d": "2024-03-05", "t": "2024-03-05T10:11:12Z", "e": "b"}
FIELDS = {f"{letter}{i}": VALUES[letter] for letter, (_, _, count) in KINDS.items() for i in range(count)}
DICTIONARY = """
import socket, sys, orjson, uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

held = {}

async def upsert(request):
    results = []
    for item in orjson.loads(await request.body())["inputs"]:
        new = item["id"] not in held
        record = held.setdefault(item["id"], {"id": str(len(held) + 1), "properties": {}})
        record["properties"] |= item["properties"]
        results.append({**record, "new": new})
    return Response(orjson.dumps({"status": "COMPLETE", "results": results}), media_type="application/json")

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
app = Starlette(routes=[Route("/crm/v3/objects/{t}/batch/upsert", upsert, methods=["POST"])])
uvicorn.Server(uvicorn.Config(app, loop="uvloop", http="httptools", log_level="error")).run(sockets=[listener])
"""
_seen: dict[str, dict] = {}


def inputs(first, count=100):
    """`count` inputs from number `first` on; their keys are spread as those of a keyed hash are."""
    keys = [hashlib.blake2b(str(number).encode(), digest_size=16).hexdigest() for number in range(first, first + count)]
    return [
        {"id": key, "idProperty": "key", "objectWriteTraceId": key, "properties": {"key": key, **FIELDS}}
        for key in keys
    ]


def schema():
    options = [{"label": v, "value": v} for v in "abc"]
    properties = [{"name": "key", "label": "K", "type": "string", "fieldType": "text", "hasUniqueValue": True}]
    for letter, (kind, field_type, count) in KINDS.items():
        properties += [
            {"name": f"{letter}{i}", "label": "L", "type": kind, "fieldType": field_type,
             "options": options if letter == "e" else []}
            for i in range(count)
        ]  # fmt: skip
    return {
        "name": "measurements", "labels": {"singular": "Measurement", "plural": "Measurements"},
        "requiredProperties": ["key"], "primaryDisplayProperty": "key", "associatedObjects": ["CONTACT"],
        "properties": properties,
    }  # fmt: skip


@pytest.fixture(scope="module")
def full_portal(tmp_path_factory):
    """A state file with STORED records, filled in this process by the handler that serves upserts."""
    state = tmp_path_factory.mktemp("speed") / "portal.sqlite"
    portal = Portal(Store(state), SETTINGS, SystemClock())
    type_id = create(portal, Call(Version.LEGACY, {}, {}, orjson.dumps(schema()))).body["objectTypeId"]
    for first in range(0, STORED, 100):
        body = orjson.dumps({"inputs": inputs(first)})
        upsert(portal, Call(Version.LEGACY, {"object_type": type_id}, {}, body))
    portal.close()
    return state, type_id


def send(url, type_id, firsts):
    """One sender's requests, each built, sent and read; returns how many results came back."""
    results = 0
    with httpx.Client(base_url=url, headers={"Authorization": "Bearer test-token"}, timeout=60) as http:
        for first in firsts:
            answer = http.post(
                f"/crm/v3/objects/{type_id}/batch/upsert", content=orjson.dumps({"inputs": inputs(first)})
            )
            assert answer.status_code == 200, answer.text[:300]
            results += len(orjson.loads(answer.content)["results"])
    return results


def upsert_all(url, type_id):
    """RECORDS upserts by SENDERS threads: one half changes stored records, the other half is new."""
    half = RECORDS // 2
    firsts = [*range(0, min(half, STORED), 100), *range(STORED, STORED + RECORDS - min(half, STORED), 100)]
    with ThreadPoolExecutor(SENDERS) as senders:
        counts = senders.map(lambda n: send(url, type_id, firsts[n::SENDERS]), range(SENDERS))
    assert sum(counts) == RECORDS


class Watched:
    """Processor time and peak memory of the server process."""

    def __init__(self, pid):
        self.process, self.peak, self.over = psutil.Process(pid), 0, threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        with contextlib.suppress(psutil.NoSuchProcess):
            while not self.over.wait(0.1):
                self.peak = max(self.peak, self.process.memory_info().rss)

    def cpu(self):
        times = self.process.cpu_times()
        return times.user + times.system

    def __enter__(self):
        self.before = self.cpu()
        self.thread.start()
        return self

    def __exit__(self, *problem):
        self.used = self.cpu() - self.before
        self.over.set()


def measure(benchmark, name, url, pid, type_id):
    with Watched(pid) as watched:
        benchmark.pedantic(upsert_all, args=(url, type_id), rounds=1)
    seconds = benchmark.stats.stats.mean
    _seen[name] = {
        "records/s": round(RECORDS / seconds), "server µs/record": round(watched.used / RECORDS * 1e6),
        "server MB": round(watched.peak / 1e6),
    }  # fmt: skip
    benchmark.extra_info.update(_seen[name], stored=STORED, upserted=RECORDS)
    print(f"\n{STORED:,} records stored, {RECORDS:,} upserted by {SENDERS} senders")
    for way, figures in _seen.items():
        print(f"{way:12}", "  ".join(f"{label} {value:>8,}" for label, value in figures.items()))


@contextlib.contextmanager
def dictionary_server():
    child = subprocess.Popen([sys.executable, "-c", DICTIONARY], stdout=subprocess.PIPE, text=True)
    try:
        yield child.stdout.readline().strip(), child.pid
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


@pytest.mark.timeout(0)
def test_emulator(benchmark, full_portal):
    state, type_id = full_portal
    children = {child.pid for child in psutil.Process().children()}
    with running(state, settings=SETTINGS) as url:
        (pid,) = {child.pid for child in psutil.Process().children()} - children
        measure(benchmark, "emulator", url, pid, type_id)
    print(f"state file {state.stat().st_size / 1e6:,.0f} MB for {STORED + RECORDS // 2:,} records")


@pytest.mark.timeout(0)
def test_dictionary_in_memory(benchmark):
    with dictionary_server() as (url, pid):
        send(url, "x", range(0, STORED, 100))
        measure(benchmark, "dictionary", url, pid, "x")


@pytest.mark.parametrize("ends", ["spread", "one hub"])
def test_associations(benchmark, full_portal, ends):
    """Batches of 2,000 associations: to many contacts, or all to one."""
    state, type_id = full_portal
    size = min(2_000, STORED)
    with (
        running(state, settings=SETTINGS) as url,
        httpx.Client(base_url=url, headers={"Authorization": "Bearer test-token"}, timeout=60) as http,
    ):
        rows = {"inputs": [{"properties": {"firstname": str(i)}} for i in range(100)]}
        contacts = [r["id"] for r in http.post("/crm/v3/objects/contacts/batch/create", json=rows).json()["results"]]
        first = int(http.get(f"/crm/v3/objects/{type_id}").json()["results"][0]["id"])
        inputs = [
            {"from": {"id": str(first + i)}, "to": {"id": contacts[i % 100 if ends == "spread" else 0]}}
            for i in range(size)
        ]
        path = f"/crm/v4/associations/{type_id}/contacts/batch/associate/default"
        answer = benchmark.pedantic(http.post, args=(path,), kwargs={"json": {"inputs": inputs}}, rounds=1)
    assert len(answer.json()["results"]) == 2 * size
    rate = round(size / benchmark.stats.stats.mean)
    benchmark.extra_info["associations/s"] = rate
    print(f"\nassociations, {ends}: {rate:,} a second")
