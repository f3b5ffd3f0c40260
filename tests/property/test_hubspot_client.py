"""A portal that misbehaves at random: nothing is lost, nothing is believed that did not happen, nothing is repeated."""

import json
import random
from contextlib import suppress

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from ennu_lib.clock import VirtualClock
from ennu_lib.errors import EnnuError
from ennu_lib.hubspot.answers import payload, rejection_of, row_errors
from ennu_lib.hubspot.client import PortalClient
from ennu_lib.hubspot.limit_params import flat_limits
from ennu_lib.hubspot.limits import Limiter
from ennu_lib.hubspot.outcomes import Link
from ennu_lib.hubspot.retry import RetryPolicy
from ennu_lib.hubspot.transport import NoReply, Reply

KEY = "ennu_external_id"
TROUBLES = ("fine", "fine", "fine", "lost before", "lost after", "html", "cut", "500", "502 after", "locked", "burst",
            "silent", "forgets", "nameless", "stumbles", "refuses all", "twice")  # fmt: skip


class UnreliablePortal:
    """Stores records, refuses the bad ones, and tells about it in a way that a random generator chooses."""

    def __init__(self, chance, bad):
        self.chance = chance
        self.bad = bad
        self.stored = {}
        self.requests = 0

    def send(self, method, path, query=(), body=None):
        self.requests += 1
        trouble = self.chance.choice(TROUBLES) if self.requests < 60 else "fine"
        if trouble == "lost before":
            raise NoReply(self.chance.choice(("timeout", "broken")))
        if trouble in ("500", "locked", "burst", "html"):
            status = {"500": 500, "locked": 423, "burst": 429, "html": 200}[trouble]
            return Reply(status, {}, b"<html>Jane Roe</html>" if trouble == "html" else b"{}")
        return self._write(trouble, body["inputs"])

    def _write(self, trouble, inputs):
        bad = [item for item in inputs if item["id"] in self.bad]
        if trouble == "refuses all" and bad:
            return self._reply(400, category="VALIDATION_ERROR", message="Jane Roe")
        good = [item for item in inputs if item["id"] not in self.bad]
        if trouble == "stumbles" and good:
            good = good[:-1]
        for item in good:
            self.stored[item["id"]] = self.stored.get(item["id"], str(len(self.stored) + 1))
        if trouble == "lost after":
            raise NoReply("timeout")
        if trouble == "502 after":
            return Reply(502, {}, b"")
        results = [{"id": self.stored[item["id"]], "new": True, "properties": {KEY: item["id"]}} for item in good]
        self.chance.shuffle(results)
        if trouble == "silent":
            return self._reply(200, results=[])
        if trouble == "forgets":
            return self._reply(200, results=results[1:])
        errors = [self._error(item, trouble) for item in bad]
        reply = self._reply(207, results=results + (results[:1] if trouble == "twice" else []), errors=errors)
        return Reply(200, {}, reply.body[: len(reply.body) // 2]) if trouble == "cut" else reply

    @staticmethod
    def _error(item, trouble):
        context = {} if trouble == "nameless" else {"objectWriteTraceId": [item["objectWriteTraceId"]]}
        return {"status": "error", "category": "VALIDATION_ERROR", "message": "Jane Roe", "context": context}

    @staticmethod
    def _reply(status, **body):
        return Reply(status, {}, orjson.dumps(body))

    def close(self):
        pass


def client_of(portal, chance):
    clock = VirtualClock()
    return PortalClient(portal, Limiter(flat_limits(100_000, 10_000_000), clock), None, clock, RetryPolicy(), chance)


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 40), data=st.data())
def test_every_key_ends_in_one_place_and_the_place_is_true(seed, count, data):
    keys = [f"k{number}" for number in range(count)]
    bad = data.draw(st.sets(st.sampled_from(keys), max_size=min(4, count)))
    chance = random.Random(seed)
    portal = UnreliablePortal(chance, bad)
    outcome = client_of(portal, chance).batch_upsert("contacts", KEY, [{KEY: key} for key in keys])

    places = [set(outcome.done), set(outcome.rejected), outcome.ambiguous]
    assert set().union(*places) == set(keys) and sum(map(len, places)) == count
    assert all(portal.stored[key] == done.id for key, done in outcome.done.items())
    assert set(outcome.rejected) <= bad
    assert not set(outcome.rejected) & set(portal.stored)
    assert "Jane Roe" not in str(outcome)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32), pairs=st.sets(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1))
def test_every_pair_ends_in_one_place(seed, pairs):
    """Records that would be linked to themselves are refused, by errors that name nobody."""
    chance = random.Random(seed)

    class LinkPortal:
        linked = set()

        def send(self, method, path, query=(), body=None):
            if chance.random() < 0.2:
                raise NoReply("timeout")
            ends = [(item["from"]["id"], item["to"]["id"]) for item in body["inputs"]]
            good = [pair for pair in ends if pair[0] != pair[1]]
            self.linked |= set(good)
            results = [{"fromObjectId": int(first), "toObjectId": int(second)} for first, second in good]
            chance.shuffle(results)
            errors = [{"category": "VALIDATION_ERROR", "message": "itself"} for pair in ends if pair[0] == pair[1]]
            return Reply(201, {}, orjson.dumps({"results": results, "errors": errors}))

    portal = LinkPortal()
    links = [Link(str(first), str(second), (("USER_DEFINED", 1),)) for first, second in sorted(pairs)]
    outcome = client_of(portal, chance).associate("contacts", "contacts", links)
    places = [outcome.done, set(outcome.rejected), outcome.ambiguous]
    assert set().union(*places) == {link.pair for link in links} and sum(map(len, places)) == len(links)
    assert outcome.done <= portal.linked
    assert all(first == second for first, second in outcome.rejected)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["errors", "context", "category", "code", "message", "ids", "results", "objectWriteTraceId"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(body=st.binary(max_size=60) | JSON.map(lambda found: json.dumps(found).encode()))
def test_no_body_whatsoever_breaks_the_reading(body):
    data = payload(Reply(200, {}, body))
    if data is not None:
        rejection_of(data, {"code"})
        row_errors(data)


@settings(max_examples=100, deadline=None)
@given(body=JSON.map(lambda found: json.dumps(found).encode()), status=st.sampled_from([200, 207, 400, 409, 429, 500]))
def test_a_portal_that_talks_nonsense_is_never_believed(body, status):
    class Nonsense:
        def send(self, method, path, query=(), body=None):
            return Reply(status, {}, nonsense)

    nonsense = body
    client = client_of(Nonsense(), random.Random(1))
    link = Link("1", "2", (("USER_DEFINED", 1),))
    calls = (
        lambda: client.batch_upsert("contacts", KEY, [{KEY: "a"}]).done,
        lambda: client.batch_read("contacts", KEY, ["a"], ["firstname"]).found,
        lambda: client.associate("contacts", "companies", [link]).done,
        lambda: client.read_associations("contacts", "companies", ["1"]).links,
        lambda: list(client.list_records("contacts")),
        lambda: client.association_labels("contacts", "companies"),
    )
    for call in calls[:4]:
        try:
            assert not call()
        except EnnuError:
            continue
    for call in calls[4:]:
        with suppress(EnnuError):
            call()
