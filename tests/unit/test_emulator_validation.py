"""The value rules of the emulated portal, one property type after the other."""

import pytest

from ennu_lib.emulator.errors import ApiError
from ennu_lib.emulator.model import Property
from ennu_lib.emulator.validation import BadValue, append_options, as_text, compile_rule


def rule(kind, field_type="text", name="p", options=(), **more):
    definition = Property(name, "P", kind, field_type, "g", options=[{"value": v} for v in options], **more)
    return compile_rule(definition, {"7"}.__contains__)


@pytest.mark.parametrize(
    ("kind", "sent", "stored"),
    [
        ("string", "Åsa ", "Åsa "), ("string", 5, "5"), ("string", True, "true"),
        ("string", "x" * 65_536, "x" * 65_536),
        ("number", "12", "12"), ("number", "-1.50", "-1.50"), ("number", ".5", ".5"), ("number", "5.", "5."),
        ("number", 1e-07, "0.0000001"), ("number", 3, "3"), ("number", " 3 ", "3"),
        ("bool", "true", "true"), ("bool", False, "false"),
        ("date", "2024-02-29", "2024-02-29"), ("date", "1709164800000", "2024-02-29"), ("date", 0, "1970-01-01"),
        ("date", "2024-02-29T00:00:00Z", "2024-02-29"), ("date", "-86400000", "1969-12-31"),
        ("date", "0001-01-01", "0001-01-01"),
        ("datetime", "2024-02-29T10:11:12Z", "2024-02-29T10:11:12Z"),
        ("datetime", "2024-02-29T10:11:12.345Z", "2024-02-29T10:11:12.345Z"),
        ("datetime", "2024-02-29T10:11:12.000Z", "2024-02-29T10:11:12Z"),
        ("datetime", "2024-02-29T10:11:12+02:00", "2024-02-29T08:11:12Z"),
        ("datetime", "2024-02-29", "2024-02-29T00:00:00Z"), ("datetime", "1709201472345", "2024-02-29T10:11:12.345Z"),
    ],
)  # fmt: skip
def test_values_that_are_taken(kind, sent, stored):
    assert rule(kind)(sent) == stored


@pytest.mark.parametrize(
    ("kind", "sent", "code", "message"),
    [
        ("string", "x" * 65_537, "VALUE_TOO_LONG", "65536"),
        ("number", "1,000", "INVALID_INTEGER", "1,000 was not a valid number."),
        ("number", "23.345.567", "INVALID_INTEGER", "not a valid number"), ("number", "1e5", "INVALID_INTEGER", "1e5"),
        ("number", "12a", "INVALID_INTEGER", "12a"), ("number", "-", "INVALID_INTEGER", "-"),
        ("number", "١٢", "INVALID_INTEGER", "١٢"), ("number", " ", "INVALID_INTEGER", "not a valid number"),
        ("bool", "yes", "INVALID_OPTION", "yes was not one of the allowed options: [true, false]"),
        ("bool", "True", "INVALID_OPTION", "True"), ("bool", 1, "INVALID_OPTION", "1"),
        ("date", "2023-02-29", "INVALID_DATE", "not a valid date"),
        ("date", "29/02/2024", "INVALID_DATE", "not a valid date"),
        ("date", "1709201472345", "INVALID_DATE", "1709201472345 is at 10:11:12.345 UTC, not midnight!"),
        ("date", "2024-02-29T05:00:00Z", "INVALID_DATE", "not midnight!"),
        ("date", str(86_400_000 * 10**9), "INVALID_DATE", "not a valid date"),
        ("date", "0000-00-00", "INVALID_DATE", "0000-00-00"),
        ("datetime", "1/1/1", "INVALID_LONG", "1/1/1 was not a valid long."),
        ("datetime", "2024-02-30T00:00:00Z", "INVALID_LONG", "not a valid long"),
        ("datetime", "2024-02-29T25:00:00Z", "INVALID_LONG", "not a valid long"),
        ("datetime", "9" * 17, "INVALID_LONG", "not a valid long"),
    ],
)  # fmt: skip
def test_values_that_are_refused(kind, sent, code, message):
    with pytest.raises(BadValue) as refused:
        rule(kind)(sent)
    assert refused.value.code == code and message in refused.value.message


@pytest.mark.parametrize("sent", [[], {}, ["a"]])
@pytest.mark.parametrize("kind", ["string", "number", "bool", "date", "datetime"])
def test_lists_and_objects_are_no_values(kind, sent):
    with pytest.raises(ApiError):
        rule(kind)(sent)


def test_a_choice_is_exactly_one_of_its_options():
    one = rule("enumeration", "select", options=("a", "b c"))
    assert one("b c") == "b c"
    for wrong in ("A", "a ", "a;b c", "x"):
        with pytest.raises(BadValue, match=r"was not one of the allowed options: \[a, b c\]"):
            one(wrong)


def test_a_multiple_choice_is_a_list_without_spaces():
    some = rule("enumeration", "checkbox", options=("a", "b"))
    assert some("a;b") == "a;b" and some(";b") == ";b"
    for wrong in ("a; b", "a;x", "a;;b", "a;"):
        with pytest.raises(BadValue) as refused:
            some(wrong)
        assert refused.value.code == "INVALID_OPTION"


@pytest.mark.parametrize(
    ("present", "sent", "after"), [(None, ";a", "a"), ("a", ";b", "a;b"), ("a;b", ";b;c", "a;b;c"), ("", ";a", "a")]
)
def test_appending(present, sent, after):
    assert append_options(present, sent) == after


@pytest.mark.parametrize("good", ["Ada@Example.com", "a.b+c@sub.example.co", "o'hara@example.org"])
def test_addresses_that_are_taken(good):
    assert rule("string", name="email", hubspot_defined=True)(good) == good.lower()


@pytest.mark.parametrize(
    "bad",
    ["ada", "ada@", "@example.com", "ada@example", "a b@example.com", "ada@@example.com", "a..b@example.com", "-"],
)
def test_addresses_that_are_refused(bad):
    with pytest.raises(BadValue) as refused:
        rule("string", name="email", hubspot_defined=True)(bad)
    assert (refused.value.code, refused.value.message) == ("INVALID_EMAIL", f"Email address {bad} is invalid")


def test_a_portals_own_property_called_email_is_a_text():
    assert rule("string", name="email")("Nobody") == "Nobody"


def test_owners_must_exist():
    owner = rule("enumeration", "select", referenced_object_type="OWNER")
    assert owner(7) == "7"
    with pytest.raises(BadValue):
        owner("8")


def test_numbers_of_json_become_plain_decimals():
    assert [as_text(v) for v in (1, 1.0, 1e21, -2.5e-3)] == ["1", "1.0", "1000000000000000000000", "-0.0025"]
