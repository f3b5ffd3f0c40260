"""The reviewer's desk, and its pages over HTTP."""

import contextlib
import datetime as dt
import itertools
import re

import httpx
import polars as pl
import pytest

from ennu_lib.errors import UsageError
from ennu_lib.identity import Desk, Registry
from ennu_lib.identity.desk_server import DeskServer
from tests.support.identity_params import PARAMS

PEOPLE = pl.DataFrame(
    {
        "patient_id": [1, 2, 3, 4],
        "first_name": ["Jayden", "Kayden", "Ann", "Anna"],
        "last_name": ["Okafor", "Okafor", "Lee", "Lee"],
        "date_of_birth": ["2001-02-03", "2001-02-03", "1970-05-06", None],
    }
)
QUEUE = pl.DataFrame(
    {
        "place": [1, 2], "left": [1, 3], "right": [2, 4], "probability": [0.97, 0.6], "kind": ["twins", "one person"],
        "guard": ["twins", None], "reason": ["twins", "between the thresholds"],
    }
)  # fmt: skip
WHY = {"reason": "different 1"}


@pytest.fixture
def registry(tmp_path):
    return Registry("small", tmp_path)


@pytest.fixture
def desk_of(registry):
    ticks = itertools.count()
    clock = lambda: dt.datetime(2026, 11, 28, tzinfo=dt.UTC) + dt.timedelta(minutes=next(ticks))  # noqa: E731
    return lambda who, queue=QUEUE: Desk(queue, PEOPLE, PARAMS, registry, who, now=clock)


@pytest.fixture
def serve():
    """Serve a desk; gives a client whose base is the page's URL."""
    with contextlib.ExitStack() as stack:

        def served(desk):
            server = DeskServer(desk)
            server.start()
            stack.callback(server.stop)
            return stack.enter_context(httpx.Client(base_url=server.url, follow_redirects=True, trust_env=False))

        yield served


@pytest.fixture
def page_of(desk_of, serve):
    """The pages of a reviewer's desk."""
    return lambda who="ann", **more: serve(desk_of(who, **more))


def test_an_answer_is_an_event_at_once_and_the_next_question_comes(page_of, registry):
    page = page_of()
    answered = page.post("1", data={"answer": "different", **WHY, "why": "saw both"}, follow_redirects=False)
    assert (answered.status_code, answered.headers["location"]) == (303, "2")
    (event,) = registry.decisions().to_dicts()
    assert event == {
        "left": "1", "right": "2", "decision": "cannot_link", "who": "ann", "why": "twins: saw both",
        "when": event["when"],
    }  # fmt: skip
    page.post("2", data={"answer": "unsure", "why": "chart is out"})
    assert registry.decisions()["decision"].to_list() == ["cannot_link", "unsure"]
    assert "Nothing is left for you" in page.get("").text


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"answer": "different"}, "needs a reason"),
        ({"answer": "different", "why": "  "}, "needs a reason"),
        ({"answer": "same", "reason": "different 1"}, "needs a reason"),
        ({"answer": "same", "reason": "same 99"}, "needs a reason"),
        ({"why": "because"}, "choose one of same, different, unsure"),
        ({"answer": "perhaps", "why": "because"}, "choose one of"),
        ({"answer": "same", "why": "x" * 301}, "at most 300 characters"),
        ({"answer": "same", "why": "x" * 20_000}, "more than an answer"),
    ],
)
def test_an_answer_without_a_choice_or_a_reason_is_not_kept(page_of, registry, form, said):
    answered = page_of().post("1", data=form)
    assert answered.status_code in (404, 422) and said in answered.text
    assert registry.decisions().is_empty()


def test_values_are_masked_until_the_reviewer_chooses_otherwise(page_of):
    page = page_of()
    first = page.get("1").text
    assert "Okafor" not in first and "2001" not in first and "J•••••" in first
    shown = page.post("mask", data={"place": "1"})
    assert shown.url.path == f"{page.base_url.path}1" and "Okafor" in shown.text
    assert "Lee" in page.get("2").text
    page.post("mask", data={"place": "2"})
    assert "Lee" not in page.get("2").text


def test_differences_are_marked_in_words_and_not_by_colour_alone(desk_of):
    compared = {line.field: line.compares for line in desk_of("ann").lines(1)}
    assert compared == {"first_name": "differs", "last_name": "same", "birth_date": "same"}
    assert {line.field: line.compares for line in desk_of("ann").lines(2)}["birth_date"] == "only left"


def test_a_guarded_question_takes_two_reviewers_and_the_second_does_not_see_the_first_answer(page_of, desk_of):
    ann, bob = page_of("ann"), page_of("bob")
    before = bob.get("1").text
    assert "needs 2 reviewers, nobody else has answered" in before
    ann.post("1", data={"answer": "same", "reason": "same 1"})
    after = bob.get("1").text
    assert after == before.replace("nobody else has", "one other has")
    assert desk_of("bob").next_open() == 1
    bob.post("1", data={"answer": "different", **WHY})
    assert "answered differently" in bob.get("1").text and "answered differently" in ann.get("1").text
    assert desk_of("cem").next_open() == 2
    # After the next run the queue itself says that somebody joined the pair.
    waiting = QUEUE.with_columns(reason=pl.lit("waits for a second reviewer"))
    assert "waits for" not in page_of("bob", queue=waiting).get("1").text


def test_a_question_that_needs_one_answer_is_closed_by_it_and_nobody_is_their_own_second(desk_of):
    desk_of("ann").keep(2, "same", "same chart")
    assert desk_of("bob").next_open() == 1 and not desk_of("bob").question(2).is_open
    desk_of("ann").keep(1, "same", "same chart")
    assert desk_of(" Ann ").question(1).mine == "same" and desk_of("Ann").question(1).others == 0


def test_an_unsure_colleague_leaves_the_question_open_and_a_later_answer_takes_the_earlier_ones_place(desk_of):
    desk_of("ann").keep(2, "unsure", "chart is out")
    assert desk_of("bob").question(2).is_open and desk_of("ann").next_open() == 1
    desk_of("ann").keep(2, "different", "saw it")
    assert desk_of("ann").question(2).mine == "different" and desk_of("ann").answered() == 1


def test_nothing_of_a_page_may_be_kept_or_sent_elsewhere(page_of):
    page = page_of()
    for answer in (page.get("1"), page.get("desk.css"), page.get("nothing"), page.post("1", data={})):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not re.findall(r"https?://|<script>|<style|\bstyle=|\bon\w+=", page.get("1").text)


def test_urls_hold_neither_values_nor_ids_of_rows(page_of):
    links = re.findall(r'(?:href|action|src)="([^"]+)"', page_of().get("1").text)
    assert set(links) == {"desk.css", "desk.js", "1", "2", "open-1", "mask"}


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/1", "127.0.0.1", 404),
        ("/other/1", "127.0.0.1", 404),
        ("1", "clinic.example", 421),
        ("1", "localhost:9", 200),
        ("3", "127.0.0.1", 404),
        ("0", "127.0.0.1", 404),
    ],
)
def test_only_the_random_word_opens_it_and_only_by_the_name_of_this_machine(page_of, path, host, status):
    page = page_of()
    answer = page.get(page.base_url.join(path), headers={"host": host})
    assert answer.status_code == status and ("one person?" in answer.text) == (status == 200)


def test_a_value_is_text_and_never_markup(registry, serve):
    evil = PEOPLE.with_columns(first_name=pl.lit("<script>alert(1)</script>"))
    page = serve(Desk(QUEUE, evil, PARAMS, registry, "ann"))
    page.post("mask", data={"place": "1"})
    assert "&lt;script&gt;alert" in page.get("1").text


def test_a_failure_says_its_class_and_no_value(registry, serve, monkeypatch, capfd):
    desk = Desk(QUEUE, PEOPLE, PARAMS, registry, "ann")
    monkeypatch.setattr(desk, "lines", lambda place: {}["Okafor"])
    answer = serve(desk).get("1")
    assert answer.status_code == 500 and "KeyError" in answer.text and "Okafor" not in answer.text
    assert "".join(capfd.readouterr()) == ""


def test_a_reviewer_has_a_name_and_an_empty_queue_has_no_question(registry):
    with pytest.raises(UsageError, match="--who"):
        Desk(QUEUE, PEOPLE, PARAMS, registry, " ")
    empty = Desk(QUEUE.clear(), PEOPLE, PARAMS, registry, "ann")
    assert len(empty) == 0 and empty.next_open() is None
    with pytest.raises(UsageError):
        empty.question(1)
