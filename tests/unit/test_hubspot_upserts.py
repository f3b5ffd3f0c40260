"""Batch upserts against a scripted portal: every key ends in exactly one place, matched by what answers name."""

import random

import orjson
import pytest

from ennu_lib.clock import VirtualClock
from ennu_lib.errors import TargetRefused, TargetUnreachable
from ennu_lib.hubspot.batches import SILENT_REPEATS
from ennu_lib.hubspot.client import PortalClient
from ennu_lib.hubspot.limit_params import flat_limits
from ennu_lib.hubspot.limits import Limiter
from ennu_lib.hubspot.retry import RetryPolicy
from ennu_lib.hubspot.transport import NoReply, Reply

KEY = "ennu_external_id"


class ScriptedPortal:
    """Answers each request by the next function of the script, the last one for ever."""

    def __init__(self, *script):
        self.script = list(script)
        self.requests = []

    def send(self, method, path, query=(), body=None):
        self.requests.append([item["id"] for item in body["inputs"]])
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return answer(body["inputs"])

    def close(self):
        pass


def client_of(portal, **policy):
    clock = VirtualClock()
    limiter = Limiter(flat_limits(10_000, 1_000_000), clock)
    return PortalClient(portal, limiter, None, clock, RetryPolicy(**policy), random.Random(1))


def records(*keys):
    return [{KEY: key, "firstname": f"name of {key}"} for key in keys]


def result(item, number=0, **more):
    return {"id": f"1{number}", "new": True, "properties": {KEY: item["id"], "firstname": "x"}, **more}


def reply(code, **body):
    return Reply(code, {"x-hubspot-correlation-id": "0a1b2c3d-0000"}, orjson.dumps(body))


def good(inputs):
    return reply(200, status="COMPLETE", results=[result(item, n) for n, item in enumerate(reversed(inputs))])


def silent(inputs):
    return reply(200, status="COMPLETE", results=[])


def refuse_keys(*bad, status=400):
    """The whole batch is refused while one of these keys is in it."""

    def answer(inputs):
        if any(item["id"] in bad for item in inputs):
            return reply(status, status="error", category="VALIDATION_ERROR", message="Jane Roe")
        return good(inputs)

    return answer


def status(code, body=b"{}", **headers):
    return lambda inputs: Reply(code, headers, body)


def nothing(why):
    def answer(inputs):
        raise NoReply(why)

    return answer


def upsert(portal, *keys, **policy):
    return client_of(portal, **policy).batch_upsert("contacts", KEY, records(*keys))


def test_results_are_matched_by_key_whatever_their_order():
    outcome = upsert(ScriptedPortal(good), "a", "b", "c")
    assert {key: done.id for key, done in outcome.done.items()} == {"a": "12", "b": "11", "c": "10"}
    assert not outcome.rejected and not outcome.ambiguous


def test_each_input_carries_its_key_and_a_trace_id_of_its_own():
    seen = []

    def answer(inputs):
        seen.extend(inputs)
        return good(inputs)

    upsert(ScriptedPortal(answer), "a", "b")
    assert [(item["id"], item["idProperty"], item["objectWriteTraceId"]) for item in seen] == [
        ("a", KEY, "0"),
        ("b", KEY, "1"),
    ]
    assert seen[0]["properties"][KEY] == "a"


def test_a_result_without_the_key_is_matched_by_its_trace_id():
    def answer(inputs):
        return reply(200, results=[{"id": "7", "new": False, "objectWriteTraceId": "1", "properties": {}},
                                   {"id": "8", "new": True, "objectWriteTraceId": "0", "properties": {}}])  # fmt: skip

    outcome = upsert(ScriptedPortal(answer), "a", "b")
    assert {key: (done.id, done.new) for key, done in outcome.done.items()} == {"a": ("8", True), "b": ("7", False)}


def test_a_lower_cased_key_is_recognized():
    def answer(inputs):
        return reply(200, results=[result({"id": "p-1"})])

    assert set(upsert(ScriptedPortal(answer), "P-1").done) == {"P-1"}


def test_row_errors_are_told_by_trace_id():
    def answer(inputs):
        error = {"category": "CONFLICT", "message": "Jane Roe exists", "context": {"objectWriteTraceId": ["1"]}}
        return reply(207, results=[result(inputs[0])], numErrors=1, errors=[error])

    outcome = upsert(ScriptedPortal(answer), "a", "b")
    assert set(outcome.done) == {"a"}
    assert outcome.rejected["b"].category == "CONFLICT"
    assert outcome.rejected["b"].correlation_id == "0a1b2c3d-0000"


def test_errors_inside_a_200_count():
    def answer(inputs):
        error = {"category": "VALIDATION_ERROR", "context": {"objectWriteTraceId": ["0"]}}
        return reply(200, results=[], errors=[error])

    assert set(upsert(ScriptedPortal(answer), "a").rejected) == {"a"}


def test_one_bad_record_does_not_take_the_others_with_it():
    portal = ScriptedPortal(refuse_keys("e"))
    outcome = upsert(portal, *"abcdefgh")
    assert set(outcome.done) == set("abcdfgh")
    assert set(outcome.rejected) == {"e"}
    assert len(portal.requests) == 7


def test_a_conflict_of_the_whole_batch_is_divided_as_well():
    outcome = upsert(ScriptedPortal(refuse_keys("a", "d", status=409)), *"abcd")
    assert set(outcome.done) == {"b", "c"} and set(outcome.rejected) == {"a", "d"}


def test_inputs_that_an_answer_does_not_mention_are_sent_again():
    def forget_b(inputs):
        return reply(200, results=[result(item) for item in inputs if item["id"] != "b"])

    portal = ScriptedPortal(forget_b, good)
    outcome = upsert(portal, "a", "b", "c")
    assert set(outcome.done) == {"a", "b", "c"}
    assert portal.requests == [["a", "b", "c"], ["b"]]


def test_a_silent_portal_leaves_the_batch_ambiguous():
    portal = ScriptedPortal(silent)
    outcome = upsert(portal, "a", "b")
    assert outcome.ambiguous == {"a", "b"} and not outcome.done and not outcome.rejected
    assert len(portal.requests) == 1 + SILENT_REPEATS


def test_an_error_that_names_nobody_is_found_out_by_sending_singly():
    def nameless(inputs):
        found = [result(item) for item in inputs if item["id"] != "b"] if len(inputs) == 1 else []
        errors = [] if found else [{"category": "VALIDATION_ERROR", "message": "something"}]
        return reply(207, results=found, errors=errors)

    outcome = upsert(ScriptedPortal(nameless), "a", "b", "c")
    assert set(outcome.done) == {"a", "c"} and set(outcome.rejected) == {"b"}


def test_a_row_that_failed_inside_the_portal_is_sent_again():
    def stumble(inputs):
        return reply(207, results=[], errors=[{"category": "INTERNAL_ERROR", "context": {"objectWriteTraceId": ["0"]}}])

    assert set(upsert(ScriptedPortal(stumble, good), "a").done) == {"a"}


def test_two_results_for_one_key_settle_nothing():
    def twice(inputs):
        return reply(200, results=[result(inputs[0], 1), result(inputs[0], 2)])

    assert upsert(ScriptedPortal(twice), "a").ambiguous == {"a"}


def test_a_result_of_somebody_else_settles_nothing():
    def stranger(inputs):
        return reply(200, results=[result({"id": "z"})])

    outcome = upsert(ScriptedPortal(stranger), "a")
    assert outcome.ambiguous == {"a"} and "z" not in outcome.done


@pytest.mark.parametrize(
    "stumble",
    [
        status(500),
        status(502),
        status(504),
        status(524),
        status(423),
        status(200, b"<html>"),
        status(200, b'{"results": ['),
        status(429, b'{"policyName":"TEN_SECONDLY_ROLLING"}'),
        status(477, **{"retry-after": "30"}),
        nothing("timeout"),
        nothing("broken"),
        nothing("unreachable"),
    ],
)
def test_every_passing_trouble_is_overcome(stumble):
    assert set(upsert(ScriptedPortal(stumble, stumble, good), "a", "b").done) == {"a", "b"}


@pytest.mark.parametrize("trouble", [status(502), nothing("timeout"), status(200, b"<html>")])
def test_lasting_ambiguity_is_reported_not_guessed(trouble):
    portal = ScriptedPortal(trouble)
    assert upsert(portal, "a", attempts=4).ambiguous == {"a"}
    assert len(portal.requests) == 4


def test_a_portal_that_is_not_there_stops_the_run():
    with pytest.raises(TargetUnreachable, match="does not answer"):
        upsert(ScriptedPortal(nothing("unreachable")), "a", attempts=3)


def test_endless_throttling_stops_the_run():
    with pytest.raises(TargetUnreachable, match="423"):
        upsert(ScriptedPortal(status(423)), "a", waits=5)


def test_the_days_budget_stops_the_run():
    with pytest.raises(TargetUnreachable, match="midnight"):
        upsert(ScriptedPortal(status(429, b'{"policyName":"DAILY"}')), "a")


def test_a_refused_token_and_a_missing_scope_stop_the_run_and_are_named():
    with pytest.raises(TargetRefused, match="token"):
        upsert(ScriptedPortal(status(401)), "a")
    body = orjson.dumps({"category": "MISSING_SCOPES", "context": {"requiredGranularScopes": ["crm.objects.x.write"]}})
    with pytest.raises(TargetRefused, match=r"crm\.objects\.x\.write"):
        upsert(ScriptedPortal(status(403, body)), "a")


@pytest.mark.parametrize(
    ("batch", "told"),
    [
        (records("a", "a"), "same"),
        ([{"firstname": "x"}], "no ennu_external_id"),
        ([{KEY: ""}], "no ennu_external_id"),
        (records(*(f"k{n}" for n in range(101))), "at most 100"),
    ],
)
def test_what_the_portal_would_refuse_as_a_whole_is_not_sent(batch, told):
    portal = ScriptedPortal(good)
    with pytest.raises(ValueError, match=told):
        client_of(portal).batch_upsert("contacts", KEY, batch)
    assert portal.requests == []


def test_nothing_the_portal_says_is_repeated_in_logs_or_errors(caplog):
    caplog.set_level("DEBUG")
    outcome = upsert(ScriptedPortal(refuse_keys("a")), "a", "b")
    body = orjson.dumps({"category": "MISSING_SCOPES", "message": "Jane Roe"})
    with pytest.raises(TargetRefused) as refused:
        upsert(ScriptedPortal(status(403, body)), "a")
    told = caplog.text + str(refused.value) + str(outcome)
    assert "Jane Roe" not in told and "name of" not in told


def test_reading_finds_misses_and_doubts():
    def answer(inputs):
        results = [result(item) for item in inputs if item["id"] == "a"]
        missing = [item["id"] for item in inputs if item["id"] == "b"]
        errors = [{"category": "OBJECT_NOT_FOUND", "context": {"ids": missing}}] if missing else []
        return reply(207 if errors else 200, results=results, errors=errors)

    found = client_of(ScriptedPortal(answer)).batch_read("contacts", KEY, ["a", "b", "c"], ["firstname"])
    assert set(found.found) == {"a"} and found.missing == {"b"} and found.ambiguous == {"c"}


def test_null_values_are_read_as_unset():
    def answer(inputs):
        return reply(200, results=[{"id": "1", "properties": {KEY: "a", "firstname": None}}])

    found = client_of(ScriptedPortal(answer)).batch_read("contacts", KEY, ["a"], ["firstname"])
    assert found.found["a"].properties == {KEY: "a"}
