"""Upserted records a second through real HTTP, client and emulator on two cores, into a portal that is already full.

Beside our client stands the official one used plainly, with typed models; beside the emulator the obvious one: a
dictionary in memory behind the same server, without a rule checked or a byte kept. ENNU_BENCH_STORED sets how many
records the portal holds beforehand (default 20,000; the figure to reach is for 1,000,000), ENNU_BENCH_RECORDS how many
are upserted then, half of them new (default 10,000). Run with `-s` to see the table.
"""

import contextlib
import hashlib
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import hubspot
import orjson
import psutil
import pytest
from hubspot.crm.objects import BatchInputSimplePublicObjectBatchInputUpsert, SimplePublicObjectBatchInputUpsert

from ennu_lib.clock import SystemClock
from ennu_lib.emulator import EmulatorSettings, running
from ennu_lib.emulator.batches import upsert
from ennu_lib.emulator.calls import Call, Portal, Version
from ennu_lib.emulator.schemas import create
from ennu_lib.emulator.store import Store
from ennu_lib.hubspot import connect, flat_limits

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


def ours(url, type_id):
    """The project's client, as the load uses it: one for all threads, every answer matched by key."""
    client = connect(url, "test-token", limits=flat_limits(1_000_000_000, 1_000_000_000))

    def upsert(first):
        return len(client.batch_upsert(type_id, "key", [item["properties"] for item in inputs(first)]).done)

    return upsert


def official_plainly(url, type_id):
    """The official client as its quick start shows it."""
    client = hubspot.HubSpot(access_token="test-token", host=url)

    def upsert(first):
        models = [
            SimplePublicObjectBatchInputUpsert(id=item["id"], id_property="key", properties=item["properties"])
            for item in inputs(first)
        ]
        body = BatchInputSimplePublicObjectBatchInputUpsert(inputs=models)
        return len(client.crm.objects.batch_api.upsert(type_id, body).results)

    return upsert


def upsert_all(upsert, fresh):
    """RECORDS upserts by SENDERS threads: one half changes stored records, the other half, from `fresh` on, is new."""
    half = min(RECORDS // 2, STORED)
    firsts = [*range(0, half, 100), *range(fresh, fresh + RECORDS - half, 100)]
    with ThreadPoolExecutor(SENDERS) as senders:
        assert sum(senders.map(upsert, firsts)) == RECORDS


class Watched:
    """Processor time and peak memory of the server process."""

    def __init__(self, pid):
        self.process, self.peak, self.over = psutil.Process(pid), 0, threading.Event()
        self.client = psutil.Process()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        with contextlib.suppress(psutil.NoSuchProcess):
            while not self.over.wait(0.1):
                self.peak = max(self.peak, self.process.memory_info().rss)

    def cpu(self):
        times = self.process.cpu_times()
        return times.user + times.system

    def __enter__(self):
        self.before, self.client_before = self.cpu(), self.client.cpu_times()
        self.thread.start()
        return self

    def __exit__(self, *problem):
        self.used = self.cpu() - self.before
        after = self.client.cpu_times()
        self.client_used = after.user + after.system - self.client_before.user - self.client_before.system
        self.over.set()


def measure(benchmark, name, pid, upsert):
    fresh = STORED + len(_seen) * RECORDS
    with Watched(pid) as watched:
        benchmark.pedantic(upsert_all, args=(upsert, fresh), rounds=1)
    seconds = benchmark.stats.stats.mean
    _seen[name] = {
        "records/s": round(RECORDS / seconds), "server µs/record": round(watched.used / RECORDS * 1e6),
        "client µs/record": round(watched.client_used / RECORDS * 1e6), "server MB": round(watched.peak / 1e6),
        "client MB": round(watched.client.memory_info().rss / 1e6),
    }  # fmt: skip
    benchmark.extra_info.update(_seen[name], stored=STORED, upserted=RECORDS)
    print(f"\n{STORED:,} records stored, {RECORDS:,} upserted by {SENDERS} senders")
    for way, figures in _seen.items():
        print(f"{way:31}", "  ".join(f"{label} {value:>8,}" for label, value in figures.items()))


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
@pytest.mark.parametrize("client", [ours, official_plainly])
def test_emulator(benchmark, full_portal, client):
    state, type_id = full_portal
    children = {child.pid for child in psutil.Process().children()}
    with running(state, settings=SETTINGS) as url:
        (pid,) = {child.pid for child in psutil.Process().children()} - children
        measure(benchmark, f"emulator, {client.__name__}", pid, client(url, type_id))
    print(f"state file {state.stat().st_size / 1e6:,.0f} MB")


@pytest.mark.timeout(0)
def test_dictionary_in_memory(benchmark):
    with dictionary_server() as (url, pid):
        upsert = ours(url, "0-1")
        for first in range(0, STORED, 100):
            upsert(first)
        measure(benchmark, "dictionary, ours", pid, upsert)


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
