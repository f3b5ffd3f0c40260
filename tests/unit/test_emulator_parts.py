"""Small parts of the emulator: times, forms, fault draws, settings."""

import pytest

from ennu_lib.emulator.errors import ApiError
from ennu_lib.emulator.faults import FaultPlan, FaultRule, Faults, Kind
from ennu_lib.emulator.multipart import form_parts
from ennu_lib.emulator.settings import EmulatorSettings
from ennu_lib.emulator.times import day, iso, parse_day, parse_instant


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00Z"), (1_762_212_973_632, "2025-11-03T23:36:13.632Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (1_762_212_973_000, "2025-11-03T23:36:13Z"), (-62_135_596_800_000, "0001-01-01T00:00:00Z"),
    ],
)  # fmt: skip
def test_instants(ms, text):
    assert iso(ms) == text and parse_instant(text) == ms


def test_days():
    assert parse_day("2024-02-29") == 1_709_164_800_000 and day(1_709_164_800_000) == "2024-02-29"
    for wrong in ("2024-2-29", "20240229", "2023-02-29", "2024-02-29T00:00:00Z"):
        with pytest.raises(ValueError):
            parse_day(wrong)


def test_a_form_with_a_file_whose_content_looks_like_a_boundary():
    body = (
        b'--XX\r\nContent-Disposition: form-data; name="importRequest"\r\n\r\n{"a": 1}\r\n'
        b'--XX\r\nContent-Disposition: form-data; filename="x.csv"; name="files"\r\nContent-Type: text/csv\r\n\r\n'
        b"a,b\r\n--no,boundary\r\n\r\n1,2\r\n--XX--\r\n"
    )
    request, file = form_parts("multipart/form-data; boundary=XX", body)
    assert (request.name, request.content) == ("importRequest", b'{"a": 1}')
    assert (file.name, file.file_name, file.content) == ("files", "x.csv", b"a,b\r\n--no,boundary\r\n\r\n1,2")


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data", ""])
def test_what_is_no_form(content_type):
    with pytest.raises(ApiError):
        form_parts(content_type, b"")


def draws(seed, probability, count=200):
    faults = Faults(FaultPlan(seed=seed, rules=(FaultRule(kind=Kind.SLOW, probability=probability),)))
    return [faults.choose("GET", "/x") is not None for _ in range(count)]


def test_draws_depend_on_the_seed_and_follow_the_probability():
    assert draws(3, 0.25) == draws(3, 0.25) != draws(4, 0.25)
    assert 25 <= sum(draws(3, 0.25)) <= 75
    assert not any(draws(3, 0.0)) and all(draws(3, 1.0))


def test_draws_of_one_rule_do_not_move_when_another_is_added():
    alone = Faults(FaultPlan(seed=1, rules=(FaultRule(kind=Kind.SLOW, path="/a", probability=0.5),)))
    first = [alone.choose("GET", "/a") is not None for _ in range(50)]
    both = Faults(FaultPlan(seed=1, rules=(
        FaultRule(kind=Kind.SLOW, path="/a", probability=0.5), FaultRule(kind=Kind.HTML, path="/b", probability=0.5),
    )))  # fmt: skip
    second = []
    for _ in range(50):
        both.choose("GET", "/b")
        second.append(both.choose("GET", "/a") is not None)
    assert first == second


def test_record_limits():
    settings = EmulatorSettings(records={"2-5": 7}, custom_object_records=9)
    assert [settings.record_limit(t) for t in ("0-1", "0-421", "2-5", "2-6")] == [15_000_000, 500_000, 7, 9]


def test_sensitive_data_needs_the_switch_and_the_tier():
    assert EmulatorSettings().sensitive_data_allowed
    assert not EmulatorSettings(sensitive_data=False).sensitive_data_allowed
    assert not EmulatorSettings(tier="professional").sensitive_data_allowed
