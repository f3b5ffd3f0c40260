"""Definitions: what is made is made once, and is what was asked for."""

import orjson
import pytest

from ennu_lib.clock import VirtualClock
from ennu_lib.errors import TargetRefused, TargetUnreachable
from ennu_lib.hubspot.client import PortalClient
from ennu_lib.hubspot.limit_params import flat_limits
from ennu_lib.hubspot.limits import Limiter
from ennu_lib.hubspot.links import AssociationCalls
from ennu_lib.hubspot.records import RecordCalls
from ennu_lib.hubspot.transport import NoReply, Reply

WANTED = {"name": "diagnosis", "type": "string", "hasUniqueValue": False, "dataSensitivity": "sensitive"}


class Answers:
    """Answers by method, the last one for ever."""

    def __init__(self, **by_method):
        self.by_method = {method: list(answers) for method, answers in by_method.items()}
        self.sent = []

    def send(self, method, path, query=(), body=None):
        self.sent.append((method, path, list(query)))
        answers = self.by_method[method]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        status, data = answer
        return Reply(status, {}, orjson.dumps(data))


def client_of(**by_method):
    clock = VirtualClock()
    return PortalClient(Answers(**by_method), Limiter(flat_limits(1000, 100_000), clock), clock=clock)


def test_a_property_that_is_as_asked_for_is_taken():
    client_of(POST=[(201, WANTED)]).create_property("contacts", WANTED)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [("dataSensitivity", None, "sensitivity"), ("type", "number", "type"), ("hasUniqueValue", True, "uniqueness")],
)
def test_an_archived_property_that_comes_back_as_it_was_is_refused(field, value, told):
    with pytest.raises(TargetRefused, match=told):
        client_of(POST=[(201, {**WANTED, field: value})]).create_property("contacts", WANTED)


def test_a_property_that_exists_after_a_lost_answer_is_looked_at():
    portal = {"POST": [NoReply("timeout"), (409, {"category": "OBJECT_ALREADY_EXISTS"})]}
    client = client_of(**portal, GET=[(200, WANTED)])
    client.create_property("contacts", WANTED)
    assert client.transport.sent[-1][2] == [("dataSensitivity", "sensitive")]
    with pytest.raises(TargetRefused, match="sensitivity"):
        client_of(**portal, GET=[(200, {**WANTED, "dataSensitivity": "non_sensitive"})]).create_property(
            "contacts", WANTED
        )


def test_a_label_that_exists_after_a_lost_answer_counts_as_made():
    refused = (400, {"category": "VALIDATION_ERROR"})
    body = {"name": "employer", "label": "Employer"}
    there = (200, {"results": [{"category": "USER_DEFINED", "typeId": 7, "label": "Employer"}]})
    client_of(POST=[NoReply("broken"), refused], GET=[there]).create_label("contacts", "companies", body)
    with pytest.raises(TargetRefused, match="employer"):
        client_of(POST=[refused], GET=[(200, {"results": []})]).create_label("contacts", "companies", body)


def test_no_certain_answer_stops_the_run():
    with pytest.raises(TargetUnreachable, match=r"creating contacts\.diagnosis"):
        client_of(POST=[NoReply("timeout")]).create_property("contacts", WANTED)


def test_errors_in_an_answer_of_success_are_not_overlooked():
    half_done = {"results": [], "errors": [{"status": "error", "category": "VALIDATION_ERROR", "message": "m"}]}
    with pytest.raises(TargetRefused, match="archiving contacts records, in an answer of success: VALIDATION_ERROR"):
        client_of(POST=[(207, half_done)]).batch_archive("contacts", ["1"])
    with pytest.raises(TargetRefused, match=r"creating the group contacts\.g, in an answer of success"):
        client_of(POST=[(201, half_done)]).create_group("contacts", {"name": "g"})


def test_a_property_of_which_an_answer_says_nothing_is_looked_at():
    client = client_of(POST=[(200, {"results": []})], GET=[(200, WANTED)])
    client.create_property("contacts", WANTED)
    assert [method for method, _, _ in client.transport.sent] == ["POST", "GET"]


def test_scopes_that_the_portal_does_not_tell_are_unknown():
    assert client_of(POST=[(200, {"scopes": ["oauth"]})]).granted_scopes("t") == {"oauth"}
    assert all(client_of(POST=[(status, {})]).granted_scopes("t") is None for status in (401, 403, 404))
    assert client_of(POST=[(200, {"scopes": "all"})]).granted_scopes("t") is None


def test_an_unknown_object_is_named():
    with pytest.raises(TargetRefused, match="no object lab_results"):
        client_of(GET=[(200, {"results": []})]).type_id("lab_results")


def test_type_ids_are_asked_for_once():
    client = client_of(GET=[(200, {"results": [{"name": "lab_results", "objectTypeId": "2-17"}]})])
    assert [client.type_id(name) for name in ("lab_results", "lab_results", "contacts", "2-99")] == [
        "2-17",
        "2-17",
        "0-1",
        "2-99",
    ]
    assert len(client.transport.sent) == 1


def test_the_parts_of_the_client_do_not_shadow_each_other():
    assert not set(vars(RecordCalls)) & set(vars(AssociationCalls)) - {"__module__", "__doc__", "__annotations__"}
