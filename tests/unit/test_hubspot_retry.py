"""One policy says what every answer means and how long to wait."""

import random

import orjson
import pytest

from ennu_lib.hubspot.retry import Meaning, RetryPolicy
from ennu_lib.hubspot.transport import NoReply, Reply

POLICY = RetryPolicy()


def judge(status, body=b"{}", headers=None, attempt=1):
    return POLICY.judge(Reply(status, headers or {}, body), attempt, random.Random(1))


def throttled(policy):
    return orjson.dumps({"status": "error", "errorType": "RATE_LIMIT", "policyName": policy})


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        *((status, Meaning.ANSWERED) for status in (200, 201, 204, 207)),
        *((status, Meaning.REFUSED) for status in (400, 401, 403, 404, 409, 413, 414)),
        *((status, Meaning.AMBIGUOUS) for status in (408, 500, 502, 503, 504, 521, 522, 523, 524, 525, 526)),
        *((status, Meaning.THROTTLED) for status in (423, 429, 477)),
    ],
)
def test_meaning_of_each_status(status, meaning):
    assert judge(status).meaning is meaning


@pytest.mark.parametrize("body", [b"<html>It works</html>", b'{"results":[', b"null", b"\xff\xfe"])
def test_a_2xx_without_a_json_object_is_ambiguous(body):
    assert judge(200, body).meaning is Meaning.AMBIGUOUS


def test_a_lock_is_waited_out():
    assert judge(423).wait >= 2.0


@pytest.mark.parametrize(("policy", "seconds"), [("TEN_SECONDLY_ROLLING", 10.0), ("SECONDLY", 1.0), ("OTHER", 10.0)])
def test_waiting_after_429_depends_on_the_policy(policy, seconds):
    assert judge(429, throttled(policy)).wait == seconds


def test_a_longer_retry_after_wins():
    assert judge(429, throttled("SECONDLY"), {"retry-after": "7"}).wait == 7.0
    assert judge(429, throttled("TEN_SECONDLY_ROLLING"), {"retry-after": "7"}).wait == 10.0
    assert judge(429, throttled("SECONDLY"), {"retry-after": "soon"}).wait == 1.0


def test_the_day_being_used_up_is_not_a_matter_of_seconds():
    assert judge(429, throttled("DAILY")).meaning is Meaning.EXHAUSTED


def test_migration_says_how_long():
    assert judge(477, headers={"retry-after": "3600"}).wait == 3600.0
    assert judge(477, headers={"retry-after": "999999"}).wait == 24 * 3600.0
    assert judge(477).wait == POLICY.migrating_seconds


@pytest.mark.parametrize(
    ("why", "meaning"),
    [("unreachable", Meaning.UNREACHABLE), ("timeout", Meaning.AMBIGUOUS), ("broken", Meaning.AMBIGUOUS)],
)
def test_no_reply_is_ambiguous_unless_nothing_was_sent(why, meaning):
    assert POLICY.judge(NoReply(why), 1, random.Random(1)).meaning is meaning


def test_backoff_grows_is_jittered_and_bounded():
    chance = random.Random(3)
    waits = {attempt: [POLICY.backoff(attempt, chance) for _ in range(200)] for attempt in (1, 3, 20)}
    assert max(waits[1]) <= 0.5 < max(waits[3]) <= 2.0
    assert max(waits[20]) <= POLICY.longest_seconds
    assert len(set(waits[3])) > 100
    assert min(waits[3]) >= 0.2
