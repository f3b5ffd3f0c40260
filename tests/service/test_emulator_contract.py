"""Every endpoint, walked once by the official client and once by plain HTTP on two equal portals: the same answers.

The portals stand still in virtual time and draw from the same seed, so that nothing but the caller differs. On the
legacy paths the official client uses its own methods and parses each answer into its models: an answer that its models
do not take fails here. It has no methods for the dated paths; there it sends its raw request.
"""

import json
import re

import pytest
import requests
from hubspot import HubSpot

from ennu_lib.emulator import running
from ennu_lib.emulator.endpoints import FAMILIES
from tests.support.emulated_portal import CALM, EmulatedPortal, text_property, upsert_input

VERSIONS = ("v3", "2026-03", "2026-09")
(SCHEMA_PREFIXES,) = (family.legacy for family in FAMILIES if len(family.legacy) > 1)
TYPE = "2-30000001"
KEY = text_property("key", hasUniqueValue=True)
SCHEMA = {
    "name": "labs", "labels": {"singular": "Lab", "plural": "Labs"}, "requiredProperties": ["key"],
    "primaryDisplayProperty": "key", "associatedObjects": ["CONTACT"],
    "properties": [{k: v for k, v in KEY.items() if k != "groupName"}],
}  # fmt: skip
OTHER = {**SCHEMA, "name": "visits"}
PLAIN = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}
PRIMARY = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}
CAP = {"category": "HUBSPOT_DEFINED", "typeId": 279, "maxToObjectIds": 5}
IMPORT = {"name": "leads", "files": [{"fileName": "a.csv", "fileImportPage": {"hasHeader": True, "columnMappings": [
    {"columnObjectTypeId": "0-1", "columnName": "First", "propertyName": "firstname"}]}}]}  # fmt: skip
OBJECTS, PROPERTIES, SCHEMAS, LINKS = (
    "/crm/v3/objects",
    "/crm/v3/properties",
    "/crm-object-schemas/v3/schemas",
    "/crm/v4/associations",
)
C1, C2, C3, F1, F2, L1 = (str(100_000_000 + n) for n in range(1, 7))


def journey(do):
    """Each endpoint at least once; `do(method, path, body, official call)`."""
    definitions(do)
    records(do)
    associations(do)
    account(do)
    endings(do)


def definitions(do):
    group = {"name": "ennu", "label": "Ennu"}
    do(
        "POST",
        f"{PROPERTIES}/contacts/groups",
        group,
        lambda c: (c.crm.properties.groups_api, "create", "contacts", group),
    )
    do("GET", f"{PROPERTIES}/contacts/groups", None, lambda c: (c.crm.properties.groups_api, "get_all", "contacts"))
    do(
        "GET",
        f"{PROPERTIES}/contacts/groups/ennu",
        None,
        lambda c: (c.crm.properties.groups_api, "get_by_name", "contacts", "ennu"),
    )
    do(
        "PATCH",
        f"{PROPERTIES}/contacts/groups/ennu",
        {"label": "E"},
        lambda c: (c.crm.properties.groups_api, "update", "contacts", "ennu", {"label": "E"}),
    )
    do("POST", f"{PROPERTIES}/contacts", KEY, lambda c: (c.crm.properties.core_api, "create", "contacts", KEY))
    do("POST", f"{PROPERTIES}/contacts", KEY, lambda c: (c.crm.properties.core_api, "create", "contacts", KEY))
    do("GET", f"{PROPERTIES}/contacts", None, lambda c: (c.crm.properties.core_api, "get_all", "contacts"))
    do(
        "GET",
        f"{PROPERTIES}/contacts/key",
        None,
        lambda c: (c.crm.properties.core_api, "get_by_name", "contacts", "key"),
    )
    do(
        "PATCH",
        f"{PROPERTIES}/contacts/key",
        {"label": "K"},
        lambda c: (c.crm.properties.core_api, "update", "contacts", "key", {"label": "K"}),
    )
    two = {"inputs": [text_property("a"), text_property("b")]}
    do(
        "POST",
        f"{PROPERTIES}/contacts/batch/create",
        two,
        lambda c: (c.crm.properties.batch_api, "create", "contacts", two),
    )
    names = {"inputs": [{"name": "a"}], "archived": False}
    do(
        "POST",
        f"{PROPERTIES}/contacts/batch/read",
        names,
        lambda c: (c.crm.properties.batch_api, "read", "contacts", names),
    )
    do(
        "POST",
        f"{PROPERTIES}/contacts/batch/archive",
        names,
        lambda c: (c.crm.properties.batch_api, "archive", "contacts", names),
    )
    do("DELETE", f"{PROPERTIES}/contacts/b", None, lambda c: (c.crm.properties.core_api, "archive", "contacts", "b"))
    do(
        "DELETE",
        f"{PROPERTIES}/contacts/groups/ennu",
        None,
        lambda c: (c.crm.properties.groups_api, "archive", "contacts", "ennu"),
    )
    do("POST", SCHEMAS, SCHEMA, lambda c: (c.crm.schemas.core_api, "create", SCHEMA))
    do("POST", SCHEMAS, OTHER, lambda c: (c.crm.schemas.core_api, "create", OTHER))
    do("GET", SCHEMAS, None, lambda c: (c.crm.schemas.core_api, "get_all"))
    do("GET", f"{SCHEMAS}/{TYPE}", None, lambda c: (c.crm.schemas.core_api, "get_by_id", TYPE))
    words = {"description": "Words."}
    do("PATCH", f"{SCHEMAS}/{TYPE}", words, lambda c: (c.crm.schemas.core_api, "update", TYPE, words))


def records(do):
    ada = {"properties": {"firstname": "Ada", "key": "k1"}, "associations": []}
    do("POST", f"{OBJECTS}/contacts", ada, lambda c: (c.crm.contacts.basic_api, "create", ada))
    rows = {"inputs": [upsert_input("k2", "0"), upsert_input("k3", "1")]}
    do(
        "POST",
        f"{OBJECTS}/contacts/batch/upsert",
        rows,
        lambda c: (c.crm.objects.batch_api, "upsert", "contacts", rows),
    )
    bad = {"inputs": [upsert_input("k2", "0"), upsert_input("k4", "1", email="x")]}
    do("POST", f"{OBJECTS}/contacts/batch/upsert", bad, lambda c: (c.crm.objects.batch_api, "upsert", "contacts", bad))
    refused = {"inputs": [upsert_input("k2"), upsert_input("k4", email="x")]}
    do(
        "POST",
        f"{OBJECTS}/contacts/batch/upsert",
        refused,
        lambda c: (c.crm.objects.batch_api, "upsert", "contacts", refused),
    )
    firms = {"inputs": [{"properties": {"name": n}, "associations": []} for n in "xy"]}
    do("POST", f"{OBJECTS}/companies/batch/create", firms, lambda c: (c.crm.companies.batch_api, "create", firms))
    lab = {"inputs": [upsert_input("l1")]}
    do("POST", f"{OBJECTS}/{TYPE}/batch/upsert", lab, lambda c: (c.crm.objects.batch_api, "upsert", TYPE, lab))
    change = {"inputs": [{"id": C1, "properties": {"lastname": "Reyes"}}]}
    do("POST", f"{OBJECTS}/contacts/batch/update", change, lambda c: (c.crm.contacts.batch_api, "update", change))
    wanted = {"inputs": [{"id": C1}, {"id": C2}], "properties": ["key"], "propertiesWithHistory": []}
    do("POST", f"{OBJECTS}/contacts/batch/read", wanted, lambda c: (c.crm.contacts.batch_api, "read", wanted))
    do("GET", f"{OBJECTS}/contacts", None, lambda c: (c.crm.contacts.basic_api, "get_page"))
    do("GET", f"{OBJECTS}/contacts/{C1}", None, lambda c: (c.crm.contacts.basic_api, "get_by_id", C1))
    do("GET", f"{OBJECTS}/contacts/5", None, lambda c: (c.crm.contacts.basic_api, "get_by_id", "5"))
    patch = {"properties": {"city": "Rome"}}
    do("PATCH", f"{OBJECTS}/contacts/{C1}", patch, lambda c: (c.crm.contacts.basic_api, "update", C1, patch))
    query = {
        "limit": 1,
        "sorts": ["key"],
        "properties": ["key"],
        "filterGroups": [{"filters": [{"propertyName": "key", "operator": "HAS_PROPERTY"}]}],
    }
    do("POST", f"{OBJECTS}/contacts/search", query, lambda c: (c.crm.contacts.search_api, "do_search", query))


def associations(do):
    between, v4 = f"{LINKS}/contacts/companies", "/crm/v4/objects"
    label = {"label": "Employer", "inverseLabel": "Employee", "name": "employment"}
    definitions_api = lambda c: c.crm.associations.v4.schema.definitions_api  # noqa: E731
    configurations = lambda c: c.crm.associations.v4.schema.definition_configurations_api  # noqa: E731
    basic = lambda c: c.crm.associations.v4.basic_api  # noqa: E731
    batch = lambda c: c.crm.associations.v4.batch_api  # noqa: E731
    pair = ("contacts", "companies")
    made = do("POST", f"{between}/labels", label, lambda c: (definitions_api(c), "create", *pair, label))
    type_id = made["results"][0]["typeId"]
    do("GET", f"{between}/labels", None, lambda c: (definitions_api(c), "get_all", *pair))
    reworded = {"associationTypeId": type_id, "label": "Firm"}
    do("PUT", f"{between}/labels", reworded, lambda c: (definitions_api(c), "update", *pair, reworded))
    caps = {"inputs": [CAP]}
    where = f"{LINKS}/definitions/configurations"
    do(
        "POST",
        f"{where}/contacts/companies/batch/create",
        caps,
        lambda c: (configurations(c), "batch_create", *pair, caps),
    )
    do(
        "POST",
        f"{where}/contacts/companies/batch/update",
        caps,
        lambda c: (configurations(c), "batch_update", *pair, caps),
    )
    do(
        "GET",
        f"{where}/contacts/companies",
        None,
        lambda c: (configurations(c), "get_all_between_two_object_types", *pair),
    )
    do("GET", f"{where}/all", None, lambda c: (configurations(c), "get_all"))
    do(
        "POST",
        f"{where}/contacts/companies/batch/purge",
        caps,
        lambda c: (configurations(c), "batch_remove", *pair, caps),
    )
    links = {
        "inputs": [
            {"from": {"id": C1}, "to": {"id": F1}, "types": [PRIMARY]},
            {"from": {"id": C2}, "to": {"id": F1}, "types": [PLAIN]},
        ]
    }
    do("POST", f"{between}/batch/create", links, lambda c: (batch(c), "create", *pair, links))
    plain = {"inputs": [{"from": {"id": C2}, "to": {"id": F2}}]}
    do("POST", f"{between}/batch/associate/default", plain, lambda c: (batch(c), "create_default", *pair, plain))
    ids = {"inputs": [{"id": C1}, {"id": C2}]}
    do("POST", f"{between}/batch/read", ids, lambda c: (batch(c), "get_page", *pair, ids))
    nobody = {"inputs": [{"id": C1}, {"id": C3}]}
    do("POST", f"{between}/batch/read", nobody, lambda c: (batch(c), "get_page", *pair, nobody))
    do(
        "GET",
        f"{v4}/contacts/{C1}/associations/companies",
        None,
        lambda c: (basic(c), "get_page", "contacts", C1, "companies"),
    )
    do(
        "PUT",
        f"{v4}/contacts/{C1}/associations/companies/{F2}",
        [PLAIN],
        lambda c: (basic(c), "create", "contacts", C1, "companies", F2, [PLAIN]),
    )
    do(
        "PUT",
        f"{v4}/contacts/{C3}/associations/default/companies/{F2}",
        None,
        lambda c: (basic(c), "create_default", "contacts", C3, "companies", F2),
    )
    do(
        "DELETE",
        f"{v4}/contacts/{C1}/associations/companies/{F2}",
        None,
        lambda c: (basic(c), "archive", "contacts", C1, "companies", F2),
    )
    do("POST", f"{between}/batch/labels/archive", links, lambda c: (batch(c), "archive_labels", *pair, links))
    gone = {"inputs": [{"from": {"id": C2}, "to": [{"id": F2}]}]}
    do("POST", f"{between}/batch/archive", gone, lambda c: (batch(c), "archive", *pair, gone))
    do("DELETE", f"{between}/labels/{type_id}", None, lambda c: (definitions_api(c), "remove", *pair, type_id))
    do("POST", f"{LINKS}/usage/high-usage-report/5", None, lambda c: (c.crm.associations.v4.report_api, "request", 5))
    egg = {"fromObjectTypeId": TYPE, "toObjectTypeId": "0-2", "name": "lab_firm"}
    made = do(
        "POST",
        f"{SCHEMAS}/{TYPE}/associations",
        egg,
        lambda c: (c.crm.schemas.core_api, "create_association", TYPE, egg),
    )
    do(
        "DELETE",
        f"{SCHEMAS}/{TYPE}/associations/{made['id']}",
        None,
        lambda c: (c.crm.schemas.core_api, "archive_association", TYPE, made["id"]),
    )


def account(do):
    for path in (
        "/crm/v3/limits/records",
        "/crm/v3/limits/custom-object-types",
        "/crm/v3/limits/custom-properties",
        "/crm/v3/limits/associations/labels",
        "/crm/v3/limits/associations/records/from",
        "/crm/v3/limits/associations/records/0-1/to",
        "/crm/v3/limits/associations/records/0-1/0-2",
        "/account-info/v3/details",
        "/account-info/v3/api-usage/daily/private-apps",
    ):
        do("GET", path, None, None)
    do("POST", "/oauth/v2/private-apps/get/access-token-info", {"tokenKey": "test-token"}, None)
    do("GET", "/crm/v3/owners/", None, lambda c: (c.crm.owners.owners_api, "get_page"))
    do("GET", "/crm/v3/owners/70000001", None, lambda c: (c.crm.owners.owners_api, "get_by_id", 70000001))
    do("GET", "/crm/v3/imports/", None, lambda c: (c.crm.imports.core_api, "get_page"))
    do("POST", "/crm/v3/imports/", "IMPORT", None)
    do(
        "GET",
        "/crm/v3/imports/3000001/errors",
        None,
        lambda c: (c.crm.imports.public_imports_api, "get_errors", 3000001),
    )
    do("GET", "/crm/v3/imports/9", None, lambda c: (c.crm.imports.core_api, "get_by_id", 9))
    do("POST", "/crm/v3/imports/9/cancel", None, lambda c: (c.crm.imports.core_api, "cancel", 9))


def endings(do):
    merge = {"primaryObjectId": C1, "objectIdToMerge": C2}
    do("POST", f"{OBJECTS}/contacts/merge", merge, lambda c: (c.crm.contacts.basic_api, "merge", merge))
    forget = {"objectId": C3}
    do("POST", f"{OBJECTS}/contacts/gdpr-delete", forget, lambda c: (c.crm.contacts.basic_api, "purge", forget))
    do("DELETE", f"{OBJECTS}/companies/{F1}", None, lambda c: (c.crm.companies.basic_api, "archive", F1))
    labs = {"inputs": [{"id": L1}]}
    do("POST", f"{OBJECTS}/{TYPE}/batch/archive", labs, lambda c: (c.crm.objects.batch_api, "archive", TYPE, labs))
    do("DELETE", f"{SCHEMAS}/{TYPE}", None, lambda c: (c.crm.schemas.core_api, "archive", TYPE))


def settled(body):
    """A body without what differs from request to request."""
    text = json.dumps(body, sort_keys=True)
    return re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "id", text)


def import_form():
    return {"importRequest": (None, json.dumps(IMPORT)), "files": ("a.csv", "First\nAda\nBen\n", "text/csv")}


def path_in(version, path):
    """A legacy path as it is in `version`."""
    if version == "v3":
        return path
    for family in FAMILIES:
        for legacy in family.legacy:
            if path == legacy or path.startswith(f"{legacy}/"):
                return family.dated.format(version=version) + path.removeprefix(legacy)
    raise AssertionError(path)


class Plain:
    """The journey by plain HTTP, on the paths of one version."""

    def __init__(self, url, version):
        self.portal, self.version, self.transcript = EmulatedPortal(url), version, []

    def __call__(self, method, path, body, official):
        url = path_in(self.version, path)
        if body == "IMPORT":
            answer = self.portal.http.post(url, files=import_form())
        else:
            answer = self.portal.call(method, url, body)
        found = answer.json() if answer.content else None
        self.transcript.append((method, path, answer.status_code, found))
        return found


class Official:
    """The journey by the official client: its own methods where it has them, its raw request where not."""

    def __init__(self, url, version):
        self.url, self.version = url, version
        self.client = HubSpot(access_token="test-token", host=url, base_url=url)
        self.transcript, self.own, self.unparsed = [], 0, []

    def __call__(self, method, path, body, official):
        if body == "IMPORT":
            headers = {"Authorization": "Bearer test-token"}
            where = self.url + path_in(self.version, path)
            answer = requests.post(where, files=import_form(), headers=headers, timeout=10)
            status, raw = answer.status_code, answer.content
        elif official is None or self.version != "v3":
            where = path_in(self.version, path)
            answer = self.client.api_request({"method": method, "path": where, **({"body": body} if body else {})})
            status, raw = answer.status_code, answer.content
        else:
            status, raw = self._own(path, *official(self.client))
        found = json.loads(raw) if raw else None
        self.transcript.append((method, path, status, found))
        return found

    def _own(self, path, api, name, *arguments):
        self.own += 1
        try:
            model = getattr(api, name)(*arguments)
        except Exception as problem:
            assert hasattr(problem, "status"), (path, problem)
            return problem.status, problem.body
        answer = api.api_client.last_response
        if model is None and answer.data:
            self.unparsed.append((path, answer.status))
        return answer.status, answer.data


@pytest.fixture(scope="module")
def transcripts(tmp_path_factory):
    """What each caller was answered, by caller and version."""
    callers = {}
    for version in VERSIONS:
        for kind in (Plain, Official):
            state = tmp_path_factory.mktemp("contract") / "portal.sqlite"
            with running(state, settings=CALM, virtual_clock=True) as url:
                callers[kind, version] = caller = kind(url, version)
                journey(caller)
    return callers


@pytest.mark.parametrize("version", VERSIONS)
def test_both_callers_get_the_same_answers(transcripts, version):
    both = transcripts[Plain, version].transcript, transcripts[Official, version].transcript
    for one, other in zip(*both, strict=True):
        assert one[:3] == other[:3]
        assert settled(one[3]) == settled(other[3]), one[:2]


def test_the_journey_is_made_of_successes_and_of_a_few_refusals(transcripts):
    refusals = [(m, p, s) for m, p, s, _ in transcripts[Plain, "v3"].transcript if s >= 400]
    assert refusals == [
        ("POST", f"{PROPERTIES}/contacts", 409),
        ("POST", f"{OBJECTS}/contacts/batch/upsert", 400),
        ("GET", f"{OBJECTS}/contacts/5", 404),
        ("GET", "/crm/v3/imports/9", 404),
        ("POST", "/crm/v3/imports/9/cancel", 404),
    ]


def test_the_official_client_understands_every_answer_of_its_own_calls(transcripts):
    assert transcripts[Official, "v3"].unparsed == []
    assert transcripts[Official, "v3"].own > 60


def test_the_journey_visits_every_endpoint(transcripts):
    visited = {(method, path) for method, path, _, _ in transcripts[Plain, "v3"].transcript}
    missing = []
    for family in FAMILIES:
        for endpoint in family.endpoints:
            pattern = re.compile(family.legacy[0] + re.sub(r"\{\w+\}", "[^/]+", endpoint.path) + "/?")
            if not any(method == endpoint.method and pattern.fullmatch(path) for method, path in visited):
                missing.append((endpoint.method, pattern.pattern))
    assert missing == []


DIFFERENT_STATUS = {
    ("2026-03", "POST", f"{LINKS}/contacts/companies/batch/archive"): 200,
    ("2026-03", "POST", f"{LINKS}/contacts/companies/batch/labels/archive"): 200,
    ("2026-09", "POST", f"{LINKS}/contacts/companies/batch/archive"): 200,
    ("2026-09", "POST", f"{LINKS}/contacts/companies/batch/labels/archive"): 200,
    ("2026-09", "POST", f"{LINKS}/contacts/companies/batch/create"): 200,
}
DIFFERENT_BODY = ("/labels", "/batch/archive", "/batch/labels/archive")


@pytest.mark.parametrize("version", ["2026-03", "2026-09"])
def test_the_dated_paths_give_the_same_answers_but_for_the_known_differences(transcripts, version):
    both = transcripts[Plain, "v3"].transcript, transcripts[Plain, version].transcript
    for old, new in zip(*both, strict=True):
        method, path, status, body = old
        folded = version == "2026-09" and status == 207
        assert new[2] == DIFFERENT_STATUS.get((version, method, path), 200 if folded else status), (method, path)
        if not path.endswith(DIFFERENT_BODY):
            assert settled(new[3]) == settled(body), (method, path)


def test_a_multi_status_is_a_success_to_the_official_client(transcripts):
    assert 207 in {status for _, _, status, _ in transcripts[Official, "v3"].transcript}


def test_the_second_legacy_prefix_of_the_schemas_gives_the_same_answers(tmp_path):
    with running(tmp_path / "portal.sqlite", settings=CALM, virtual_clock=True) as url:
        portal = EmulatedPortal(url)
        portal.make_type("labs")
        first, second = SCHEMA_PREFIXES
        for path in ("", f"/{TYPE}"):
            assert portal.ok("GET", first + path) == portal.ok("GET", second + path)
