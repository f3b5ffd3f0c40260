"""docs/emulator.md names every endpoint, setting, fault and control endpoint that there is."""

import re
from pathlib import Path

import pytest

from ennu_lib.emulator import EmulatorSettings
from ennu_lib.emulator.endpoints import FAMILIES
from ennu_lib.emulator.faults import Kind

PAGE = Path(__file__).parents[2].joinpath("docs", "emulator.md").read_text(encoding="utf-8")
CODE = set(re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)))
ENDPOINTS = {
    (method, path)
    for entry in CODE
    if re.match(r"(GET|POST|PUT|PATCH|DELETE)(, [A-Z]+)* /", entry)
    for methods, path in [entry.rsplit(" ", 1)]
    for method in methods.split(", ")
}


@pytest.mark.parametrize("name", EmulatorSettings.model_fields)
def test_every_setting_is_named(name):
    assert name in CODE


@pytest.mark.parametrize("kind", Kind)
def test_every_fault_is_named(kind):
    assert kind.value in CODE


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.legacy[0])
def test_every_endpoint_is_named(family):
    assert all(prefix in CODE for prefix in family.legacy) and family.dated in CODE
    for endpoint in family.endpoints:
        if endpoint.path:
            assert (endpoint.method, endpoint.path) in ENDPOINTS


def test_every_behaviour_has_a_tag():
    section = PAGE.split("## Behaviours")[1].split("### Imports")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    bare = [row for row in rows if not re.search(r"documented|recorded|assumed", row.rsplit("|", 2)[1])]
    assert all(re.match(r"\| (Behaviour|Type) \|", row) for row in bare), bare


def test_what_is_not_established_is_said():
    deviations = PAGE.split("## Known deviations")[1]
    subjects = (
        "record cap of custom objects",
        "options of an enumeration",
        "`Retry-After`",
        "sensitive property can be",
        "archived record still holds",
        "order of results",
    )
    assert [subject for subject in subjects if subject not in deviations] == []
