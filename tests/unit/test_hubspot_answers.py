"""Answers are reduced to codes; nothing that a patient could be known by gets through."""

import orjson
import pytest

from ennu_lib.hubspot.answers import Rejection, missing_scopes, payload, rejection_of, row_errors
from ennu_lib.hubspot.transport import Reply

PATIENT = "Siena Dyer"


def test_a_validation_error_is_told_by_code_and_property():
    data = {
        "status": "error",
        "message": f'Property values were not valid: [{{"isValid":false,"message":"{PATIENT} is bad",'
        '"error":"INVALID_OPTION","name":"patient_gender"}]',
        "category": "VALIDATION_ERROR",
        "correlationId": "a996e7d6-de07-46ef-bddc-897126eb8859",
    }
    found = rejection_of(data, {"patient_gender"})
    assert found == Rejection(
        "VALIDATION_ERROR", "INVALID_OPTION", "patient_gender", "a996e7d6-de07-46ef-bddc-897126eb8859"
    )
    assert PATIENT not in str(found)


def test_the_errors_list_is_read_before_the_message():
    data = {
        "category": "VALIDATION_ERROR",
        "message": "Property values were not valid: [broken",
        "errors": [{"code": "INVALID_DATE", "context": {"propertyName": ["score_date"]}, "message": PATIENT}],
    }
    assert rejection_of(data, {"score_date"}) == Rejection("VALIDATION_ERROR", "INVALID_DATE", "score_date")


@pytest.mark.parametrize("field", ["category", "subCategory", "correlationId", "policyName", "errorType"])
def test_text_in_the_place_of_a_code_is_not_repeated(field):
    assert PATIENT not in str(rejection_of({"category": "CONFLICT", field: PATIENT}))


def test_a_property_that_was_not_sent_is_not_repeated():
    data = {"category": "VALIDATION_ERROR", "errors": [{"code": "X_1", "context": {"propertyName": ["siena_dyer"]}}]}
    assert rejection_of(data, {"firstname"}).property == ""


def test_a_category_is_there_even_when_the_portal_gives_none():
    assert rejection_of({"message": "Unable to infer object type"}).category == "UNKNOWN"
    assert rejection_of({"errorType": "RATE_LIMIT", "policyName": "DAILY"}) == Rejection("RATE_LIMIT", "DAILY")


def test_row_errors_name_what_they_are_about():
    data = {
        "errors": [
            {"category": "CONFLICT", "context": {"objectWriteTraceId": ["3"], "existingId": ["17"]}},
            {"category": "OBJECT_NOT_FOUND", "context": {"ids": ["k1", "k2"]}},
            {"category": "V", "subCategory": "crm.associations.INVALID_IDENTIFIER", "context": {"id": ["x"]}},
            {"category": "VALIDATION_ERROR", "message": "Object 1 cannot be associated to itself (1)"},
            "not an error",
        ]
    }
    first, second, third, fourth = row_errors(data, correlation_id="11111111-2222")
    assert first.trace_ids == ("3",) and first.ids == ()
    assert second.ids == ("k1", "k2")
    assert third.ids == ("x",) and third.rejection.code == "crm.associations.INVALID_IDENTIFIER"
    assert fourth.ids == fourth.trace_ids == ()
    assert {error.rejection.correlation_id for error in (first, second, third, fourth)} == {"11111111-2222"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", {}),
        (b'{"a":1}', {"a": 1}),
        (b'[{"a":1}]', {"results": [{"a": 1}]}),
        (b"<html>busy</html>", None),
        (b'{"results":[{"id"', None),
        (b'"text"', None),
    ],
)
def test_only_json_objects_count_as_answers(body, expected):
    assert payload(Reply(200, {}, body)) == expected


def test_scopes_are_named_wherever_the_portal_puts_them():
    in_context = {"context": {"requiredGranularScopes": ["custom-object-read"]}}
    in_errors = {"errors": [{"context": {"requiredGranularScopes": ["crm.objects.contacts.write", PATIENT]}}]}
    assert missing_scopes(in_context) == ["custom-object-read"]
    assert missing_scopes(in_errors) == ["crm.objects.contacts.write"]


def test_a_rejection_reads_well():
    found = rejection_of(orjson.loads(b'{"category":"CONFLICT","correlationId":"0a1b2c3d-4e5f"}'))
    assert str(found) == "CONFLICT (correlation id 0a1b2c3d-4e5f)"
