"""Whatever is sent: rules are stable, windows are never overfull, and a portal holds what a dictionary would."""

from datetime import UTC, date, datetime

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ennu_lib.clock import VirtualClock
from ennu_lib.emulator import batches
from ennu_lib.emulator.calls import Call, Portal, Version
from ennu_lib.emulator.errors import ApiError
from ennu_lib.emulator.limits import OBJECTS, Limiter
from ennu_lib.emulator.model import Property
from ennu_lib.emulator.settings import EmulatorSettings
from ennu_lib.emulator.store import Store
from ennu_lib.emulator.times import iso, milliseconds, parse_instant
from ennu_lib.emulator.validation import BadValue, compile_rule

JSON_SCALARS = st.one_of(
    st.text(), st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False),
    st.dates().map(date.isoformat), st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    st.from_regex(r"-?\d{1,14}(\.\d{0,4})?", fullmatch=True),
)  # fmt: skip
KINDS = ["string", "number", "bool", "date", "datetime", "enumeration"]


def rule_of(kind, field_type="text"):
    definition = Property("p", "P", kind, field_type, "g", options=[{"value": v} for v in ("a", "b", "1")])
    return compile_rule(definition, lambda owner: True)


@given(st.sampled_from(KINDS), JSON_SCALARS)
def test_a_rule_returns_a_text_that_it_takes_unchanged_or_refuses(kind, value):
    check = rule_of(kind)
    try:
        stored = check(value)
    except BadValue as bad:
        assert bad.code and bad.message
        return
    assert isinstance(stored, str) and check(stored) == stored


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_survives_writing_and_reading(moment):
    ms = milliseconds(moment)
    assert parse_instant(iso(ms)) == ms
    assert rule_of("datetime")(ms) == rule_of("datetime")(iso(ms)) == iso(ms)


@given(st.lists(st.floats(0, 3), min_size=1, max_size=120), st.integers(1, 8))
def test_no_window_is_ever_overfull_and_none_is_left_unused(waits, burst):
    clock = VirtualClock()
    limits = Limiter(clock, EmulatorSettings(burst=burst))
    passed = []
    for wait in waits:
        clock.sleep(wait)
        now = clock.monotonic()
        in_window = sum(moment > now - 10 for moment in passed)
        try:
            limits.take(OBJECTS)
            assert in_window < burst
            passed.append(now)
        except ApiError:
            assert in_window >= burst
    assert all(sum(start <= t < start + 10 for t in passed) <= burst for start in passed)


KEYS = st.sampled_from(["k1", "k2", "k3", "k4"])
VALUES = st.one_of(st.none(), st.just(""), st.sampled_from(["x", "y", "Åsa", "é" * 40]))
ROWS = st.dictionaries(KEYS, st.fixed_dictionaries({}, optional={"firstname": VALUES, "city": VALUES}), min_size=1)


class PortalAgainstADictionary(RuleBasedStateMachine):
    """Upserts and archives in any order leave what the same operations leave in a dictionary."""

    @initialize()
    def start(self):
        self.portal = Portal(Store(":memory:"), EmulatorSettings(), VirtualClock())
        kind = self.portal.registry.find("contacts")
        self.portal.registry.save_property(
            kind, Property("key", "Key", "string", "text", "contactinformation", has_unique_value=True)
        )
        self.model = {}
        self.ids = {}

    def call(self, handler, body):
        return handler(self.portal, Call(Version.LEGACY, {"object_type": "contacts"}, {}, orjson.dumps(body)))

    @rule(rows=ROWS)
    def upsert(self, rows):
        inputs = [{"id": key, "idProperty": "key", "properties": row} for key, row in rows.items()]
        results = self.call(batches.upsert, {"inputs": inputs}).body["results"]
        assert {r["properties"]["key"] for r in results if "key" in r["properties"]} <= rows.keys()
        for key, row in rows.items():
            present = self.model.setdefault(key, {"key": key})
            present |= {name: value for name, value in row.items() if value is not None}
            self.model[key] = {name: value for name, value in present.items() if value != ""}
        self.ids |= {r["properties"]["key"]: r["id"] for r in results if r["new"]}

    @rule(rows=ROWS, bad=KEYS)
    def refused(self, rows, bad):
        rows = {**rows, bad: {"firstname": "new", "nonsense": "1"}}
        inputs = [{"id": key, "idProperty": "key", "properties": row} for key, row in rows.items()]
        with pytest.raises(ApiError):
            self.call(batches.upsert, {"inputs": inputs})

    @rule(key=KEYS)
    def archive(self, key):
        record_id = self.ids.pop(key, "5")
        self.call(batches.archive, {"inputs": [{"id": record_id}]})
        self.model.pop(key, None)

    @invariant()
    def holds_the_same(self):
        if not hasattr(self, "model"):
            return
        body = {"idProperty": "key", "properties": ["key", "firstname", "city"],
                "inputs": [{"id": key} for key in ("k1", "k2", "k3", "k4")]}  # fmt: skip
        results = self.call(batches.read, body).body["results"]
        found = {
            r["properties"]["key"]: {n: v for n, v in r["properties"].items()
                                     if v is not None and n in ("key", "firstname", "city")}
            for r in results
        }  # fmt: skip
        assert found == self.model
        live, _ = self.portal.records(self.portal.registry.find("contacts")).counts()
        assert live == len(self.model)


TestPortalAgainstADictionary = PortalAgainstADictionary.TestCase
TestPortalAgainstADictionary.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
