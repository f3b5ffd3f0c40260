"""Every endpoint has one path per API version, and only the path builder knows it."""

import re
from pathlib import Path

import pytest

import ennu_lib.hubspot
from ennu_lib.hubspot.paths import Paths

EXPECTED = {
    "v3": (
        "/crm/v3/objects/0-1/batch/upsert",
        "/crm/v3/properties/0-1/groups",
        "/crm-object-schemas/v3/schemas/2-7",
        "/crm/v4/associations/0-1/2-7/labels",
        "/crm/v3/limits/records",
        "/account-info/v3/details",
    ),
    "2026-03": (
        "/crm/objects/2026-03/0-1/batch/upsert",
        "/crm/properties/2026-03/0-1/groups",
        "/crm-object-schemas/2026-03/schemas/2-7",
        "/crm/associations/2026-03/0-1/2-7/labels",
        "/crm/limits/2026-03/records",
        "/account-info/2026-03/details",
    ),
    "2026-09": (
        "/crm/objects/2026-09/0-1/batch/upsert",
        "/crm/properties/2026-09/0-1/groups",
        "/crm-object-schemas/2026-09/schemas/2-7",
        "/crm/associations/2026-09/0-1/2-7/labels",
        "/crm/limits/2026-09/records",
        "/account-info/2026-09/details",
    ),
}


@pytest.mark.parametrize("version", EXPECTED)
def test_paths_of_each_version(version):
    paths = Paths(version)
    assert (
        paths.objects("0-1", "batch", "upsert"),
        paths.properties("0-1", "groups"),
        paths.schemas("2-7"),
        paths.associations("0-1", "2-7", "labels"),
        paths.limits("records"),
        paths.account(),
    ) == EXPECTED[version]


def test_parts_are_escaped():
    assert Paths().properties("0-1", "a/b c?") == "/crm/v3/properties/0-1/a%2Fb%20c%3F"


def test_an_unknown_version_is_refused():
    with pytest.raises(ValueError, match="2026-09"):
        Paths("v2")


def test_no_other_module_spells_a_path():
    folder = Path(ennu_lib.hubspot.__file__).parent
    spelled = re.compile(r'"/?(crm|account-info)[/-]')
    assert [f.name for f in folder.glob("*.py") if f.name != "paths.py" and spelled.search(f.read_text())] == []
