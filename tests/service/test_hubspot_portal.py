"""The schema as a plan against an emulated portal over HTTP: plan, preflight, apply, apply killed anywhere."""

import shutil
from dataclasses import replace

import httpx
import pytest

from ennu_lib.config import params_dir
from ennu_lib.emulator import EmulatorSettings, running
from ennu_lib.errors import GateFailed, TargetRefused
from ennu_lib.hubspot.apply import apply_plan
from ennu_lib.hubspot.client import connect
from ennu_lib.hubspot.commands import portal_apply, portal_plan
from ennu_lib.hubspot.limit_params import flat_limits
from ennu_lib.hubspot.live import read_portal, snapshot
from ennu_lib.hubspot.planning import make_plan
from ennu_lib.hubspot.portal_schema import PortalSchema, load_portal_schema
from ennu_lib.hubspot.preflight import preflight
from ennu_lib.hubspot.retry import RetryPolicy
from ennu_lib.hubspot.schema import EXTERNAL_ID

pytestmark = pytest.mark.slow

ALL = {"schema", "sensitive", "unique"}
LIMITS = flat_limits(1_000_000, 10_000_000, 1_000_000, 10_000_000)
UNLIMITED = EmulatorSettings(limits_enforced=False, burst=1_000_000, association_burst=1_000_000)
READ_SCOPES = {
    "crm.objects.contacts.read",
    "crm.objects.custom.read",
    "crm.schemas.contacts.read",
    "crm.schemas.custom.read",
}


@pytest.fixture(scope="module")
def schema():
    return load_portal_schema()


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    with running(tmp_path_factory.mktemp("portal") / "portal.sqlite", settings=UNLIMITED) as url:
        yield url


@pytest.fixture
def portal(emulator):
    """An empty portal with everything switched on."""
    httpx.post(f"{emulator}/_reset")
    httpx.delete(f"{emulator}/_faults")
    httpx.patch(f"{emulator}/_settings", json=UNLIMITED.model_dump(mode="json"))
    return emulator


@pytest.fixture
def client(portal):
    with connect(portal, "test-token", limits=LIMITS) as client:
        yield client


def settings(portal, **changes):
    httpx.patch(f"{portal}/_settings", json=changes).raise_for_status()


def small(schema):
    """Two objects and two associations of the real schema: every kind of step, few enough to kill at each."""
    kept = {
        "assessment_results": {"ennu_external_id", "assessment_result_id", "assessment_type"},
        "contacts": {"ennu_external_id", "legacy_patient_id_aliases", "firstname", "patient_gender"},
    }
    properties = {name: tuple(p for p in schema.properties[name] if p.name in names) for name, names in kept.items()}
    needed = {name: {p.group for p in held if p.group} for name, held in properties.items()}
    objects = {
        name: schema.objects[name].model_copy(
            update={"groups": tuple(g for g in schema.objects[name].groups if g.name in needed[name])}
        )
        for name in kept
    }
    associations = tuple(found for found in schema.associations if found.id in ("A08", "A13"))
    return PortalSchema(objects, properties, associations)


def plan_of(client, schema):
    return make_plan(schema, read_portal(client, schema))


@pytest.mark.parametrize("version", ["v3", "2026-03", "2026-09"])
def test_plan_after_apply_is_empty(portal, schema, version):
    with connect(portal, "test-token", version, limits=LIMITS) as client:
        plan = plan_of(client, schema)
        taken = apply_plan(plan, client, schema, ALL)
        after = plan_of(client, schema)
        assert len(plan.create) == 310 and after.empty
        assert taken.sha256 == snapshot(client, schema).sha256


def test_a_step_that_the_portal_only_seems_to_take_is_noticed(client, portal, schema):
    silent = {"kind": "silent_empty", "method": "POST", "path": "/labels$", "times": 1}
    httpx.post(f"{portal}/_faults", json={"rules": [silent]}).raise_for_status()
    reduced = small(schema)
    with pytest.raises(GateFailed, match=r"does not show 1 of \d+ steps, the first is contacts > companies\.employer"):
        apply_plan(plan_of(client, reduced), client, reduced, ALL)


def test_when_sensitive_data_are_off_no_property_is_made_at_all(client, portal, schema):
    settings(portal, sensitive_data=False)
    live = read_portal(client, schema)
    with pytest.raises(TargetRefused, match="refuses to create contacts"):
        apply_plan(make_plan(schema, live), client, schema, ALL)
    assert set(read_portal(client, schema).properties["contacts"]) == set(live.properties["contacts"])


def test_apply_sends_exactly_the_printed_requests(client, portal, schema):
    plan = plan_of(client, schema)
    seen = httpx.get(f"{portal}/_log").json()["log"]
    apply_plan(plan, client, schema, ALL)
    log = httpx.get(f"{portal}/_log", params={"after": seen[-1]["n"]}).json()["log"]
    assert sum(entry["method"] != "GET" for entry in log) == len(plan.steps)


def test_sensitivity_and_uniqueness_reach_the_portal(client, schema):
    apply_plan(plan_of(client, schema), client, schema, ALL)
    for name, held in schema.properties.items():
        live = {found["name"]: found for found in client.properties(name)}
        for wanted in held:
            assert (live[wanted.name]["dataSensitivity"] == "sensitive") == (wanted.sensitivity == "sensitive")
            assert bool(live[wanted.name]["hasUniqueValue"]) == wanted.unique


def test_a_change_in_the_files_is_the_next_plan(client, portal, schema, tmp_path):
    apply_plan(plan_of(client, schema), client, schema, ALL)
    folder = shutil.copytree(params_dir() / "portal", tmp_path / "portal")
    file = folder / "properties" / "contacts.yml"
    text = file.read_text().replace("label: Patient Status", "label: State of the Patient")
    file.write_text(text.replace("options: [male, female, other, unknown]", "options: [male, female, unknown]"))
    lists = folder / "options.yml"
    lists.write_text(lists.read_text().replace("[telehealth]", "[east_clinic, telehealth]"))
    changed = load_portal_schema(folder)
    plan = plan_of(client, changed)
    assert {step.target for step in plan.change} == {
        "contacts.patient_status",
        "contacts.patient_gender",
        "contacts.appointment_location",
        "contacts.preferred_locations",
        "staff_management.practice_locations",
    }
    apply_plan(plan, client, changed)
    assert plan_of(client, changed).empty
    gender = next(found for found in client.properties("contacts") if found["name"] == "patient_gender")
    assert [option["value"] for option in gender["options"]] == ["male", "female", "unknown", "other"]


def test_the_wording_of_objects_groups_and_labels_is_changed_in_place(client, schema):
    apply_plan(plan_of(client, schema), client, schema, ALL)
    contacts = schema.objects["contacts"]
    worded = tuple(
        g.model_copy(update={"label": "Members"}) if g.name == "ennu_membership" else g for g in contacts.groups
    )
    labs = schema.objects["lab_results"].model_copy(update={"plural": "Laboratory Results", "description": "Other."})
    guarantor = next(found for found in schema.associations if found.id == "A12")
    label = guarantor.labels[0].model_copy(update={"inverse": "Pays For"})
    changed = PortalSchema(
        {**schema.objects, "lab_results": labs, "contacts": contacts.model_copy(update={"groups": worded})},
        schema.properties,
        tuple(
            found.model_copy(update={"labels": (label, *found.labels[1:])}) if found is guarantor else found
            for found in schema.associations
        ),
    )
    plan = plan_of(client, changed)
    assert {step.target for step in plan.steps} == {
        "lab_results",
        "contacts.ennu_membership",
        "contacts > contacts.guarantor",
    }
    apply_plan(plan, client, changed)
    assert plan_of(client, changed).empty
    assert client.schema("lab_results")["labels"]["plural"] == "Laboratory Results"


def test_irreversible_steps_must_be_named(client, portal, schema):
    plan = plan_of(client, schema)
    with pytest.raises(GateFailed, match="allow them by name: sensitive"):
        apply_plan(plan, client, schema, {"schema", "unique"})
    assert plan_of(client, schema).digest == plan.digest


def test_a_plan_of_yesterday_is_not_applied(client, schema):
    plan = plan_of(client, schema)
    client.create_group("contacts", {"name": "ennu_patient", "label": "ENNU Patient"})
    with pytest.raises(GateFailed, match="has changed"):
        apply_plan(plan, client, schema, ALL)


def test_conflicts_are_named_with_their_cure_before_anything_is_written(client, portal, schema):
    body = {"name": "lead_source", "label": "Lead", "type": "number", "fieldType": "number"}
    client.create_property("contacts", {**body, "groupName": client.groups("contacts")[0]["name"]})
    plan = plan_of(client, schema)
    with pytest.raises(GateFailed, match=r"contacts\.lead_source exists with type number/number.*ennu_lead_source"):
        apply_plan(plan, client, schema, ALL)
    assert client.schemas() == []


class Killed(Exception):
    """Stands for SIGKILL."""


def killed_at(client, number):
    """The process dies when the portal has carried out the `number`-th writing request, before it hears of it."""
    send, count = client.transport.send, 0

    def dying(method, path, query=(), body=None):
        nonlocal count
        count += method != "GET"
        answer = send(method, path, query, body)
        if method != "GET" and count == number:
            raise Killed
        return answer

    client.transport.send = dying


def test_apply_killed_at_any_request_and_run_again_ends_in_the_same_schema(portal, schema):
    reduced = small(schema)
    with connect(portal, "test-token", limits=LIMITS) as client:
        plan = plan_of(client, reduced)
        wanted = apply_plan(plan, client, reduced, ALL).sha256
    for number in range(1, len(plan.steps) + 1):
        httpx.post(f"{portal}/_reset")
        with connect(portal, "test-token", limits=LIMITS) as client:
            killed_at(client, number)
            with pytest.raises(Killed):
                apply_plan(plan_of(client, reduced), client, reduced, ALL)
        with connect(portal, "test-token", limits=LIMITS) as client:
            assert apply_plan(plan_of(client, reduced), client, reduced, ALL).sha256 == wanted, number


@pytest.mark.parametrize(
    "kind", ["drop_after_write", "reset_after", "bad_gateway", "html", "truncated", "reset_before"]
)
def test_apply_overcomes_lost_answers(portal, schema, kind):
    """Every third answer to a creating request is lost; "exists already" then counts as made."""
    reduced = small(schema)
    rule = {"kind": kind, "method": "POST", "path": "properties|schemas|labels", "probability": 0.34}
    httpx.post(f"{portal}/_faults", json={"seed": 7, "rules": [rule]}).raise_for_status()
    with connect(portal, "test-token", limits=LIMITS, policy=RetryPolicy(attempts=12, first_seconds=0.01)) as client:
        apply_plan(plan_of(client, reduced), client, reduced, ALL)
        assert plan_of(client, reduced).empty
    assert httpx.get(f"{portal}/_faults").json()["counts"][0]["fired"] > 0


def problems_of(client, portal, schema, environment="rehearsal", **more):
    return preflight(client, schema, environment, portal, **more)


def told(problems):
    return "\n".join(map(str, problems))


def test_preflight_of_a_good_portal_finds_nothing_and_writes_nothing(client, portal, schema):
    before = httpx.get(f"{portal}/_state").json()
    assert problems_of(client, portal, schema, plan=plan_of(client, schema), records={"contacts": 1000}) == []
    assert httpx.get(f"{portal}/_state").json() == before


def test_preflight_says_that_sensitive_data_is_off(client, portal, schema):
    settings(portal, sensitive_data=False)
    (problem,) = problems_of(client, portal, schema)
    assert "does not take sensitive data" in problem.what and "super admin" in problem.cure


def posts(portal):
    log = httpx.get(f"{portal}/_log").json()["log"]
    return [entry["path"] for entry in log if entry["method"] == "POST"]


def test_a_portal_that_holds_sensitive_properties_is_not_probed(client, portal, schema):
    assert problems_of(client, portal, schema) == []
    probes = posts(portal).count(client.paths.properties("0-1"))
    apply_plan(plan_of(client, schema), client, schema, ALL)
    before = posts(portal).count(client.paths.properties("0-1"))
    assert problems_of(client, portal, schema) == []
    assert probes == 3 and posts(portal).count(client.paths.properties("0-1")) == before + 1


def test_a_plan_says_that_the_switch_can_only_be_tried_until_a_sensitive_property_is_there(client, portal):
    assert "cannot be read, only tried" in portal_plan(client, portal, "rehearsal").text
    portal_apply(client, portal_plan(client, portal, "rehearsal"), ALL)
    assert "cannot be read" not in portal_plan(client, portal, "rehearsal").text


def test_preflight_says_that_a_sandbox_has_no_sensitive_data(client, portal, schema):
    settings(portal, account_type="SANDBOX")
    (problem,) = problems_of(client, portal, schema)
    assert "sandbox" in problem.what


@pytest.mark.parametrize("told_by", ["the portal's list of scopes", "an attempt"])
def test_preflight_names_the_scope_to_write_sensitive_properties(client, portal, schema, told_by):
    if told_by == "an attempt":
        apply_plan(plan_of(client, schema), client, schema, ALL)
        unknown = {"kind": "server_error", "status": 404, "path": "access-token-info"}
        httpx.post(f"{portal}/_faults", json={"rules": [unknown]}).raise_for_status()
    scopes = {f"crm.{what}.{noun}.{mode}" for what in ("objects", "schemas") for noun in ("contacts", "custom")
              for mode in ("read", "write")}  # fmt: skip
    sensitive = {
        f"crm.objects.{noun}.sensitive.{mode}.v2" for noun in ("contacts", "custom") for mode in ("read", "write")
    }
    settings(portal, scopes=sorted(scopes | sensitive))
    assert problems_of(client, portal, schema) == []
    for noun, other in (("contacts", "custom"), ("custom", "contacts")):
        settings(portal, scopes=sorted((scopes | sensitive) - {f"crm.objects.{noun}.sensitive.write.v2"}))
        text = told(problems_of(client, portal, schema))
        assert f"crm.objects.{noun}.sensitive.write" in text and f"{other}.sensitive" not in text


def test_preflight_names_every_missing_scope(client, portal, schema):
    settings(portal, scopes=sorted(READ_SCOPES))
    text = told(problems_of(client, portal, schema))
    for scope in ("crm.schemas.custom.write", "crm.objects.contacts.write", "crm.schemas.contacts.write", "sensitive"):
        assert scope in text
    assert "reading records of contacts" not in text


def test_preflight_of_a_lower_tier_names_the_custom_objects(client, portal, schema):
    settings(portal, custom_object_types=3)
    text = told(problems_of(client, portal, schema, plan=plan_of(client, schema)))
    assert "6 custom objects are to be created, the account has room for 3" in text
    settings(portal, tier="professional")
    text = told(problems_of(client, portal, schema, plan=plan_of(client, schema)))
    assert "does not take sensitive data" in text
    assert "6 custom objects are to be created, the account's subscription has none; upgrade the account to" in text


def test_preflight_does_not_count_twice_what_an_earlier_load_brought(client, portal, schema):
    apply_plan(plan_of(client, schema), client, schema, ALL)
    records = [{EXTERNAL_ID: f"{n:032x}", "lab_results_id": f"LR-{n}"} for n in range(60)]
    assert len(client.batch_upsert("lab_results", EXTERNAL_ID, records).done) == 60
    settings(portal, custom_object_records=100, search_lag_seconds=0)
    assert problems_of(client, portal, schema, records={"contacts": 1, "lab_results": 100}) == []
    text = told(problems_of(client, portal, schema, records={"lab_results": 101}))
    assert "41 records of custom objects are to be loaded, the account has room for 40" in text


def test_preflight_counts_room_for_properties_and_records(client, portal, schema):
    """447 properties that the contacts have already leave no room when an object may have 500."""
    settings(portal, properties_per_object=500, custom_object_records=10_000, records={"0-1": 50_000})
    group = client.groups("contacts")[0]["name"]
    inputs = [
        {"name": f"old_{n}", "label": "Old", "type": "string", "fieldType": "text", "groupName": group}
        for n in range(447)
    ]
    for start in range(0, 447, 100):
        path = client.paths.properties("0-1", "batch", "create")
        client.ask("objects", "POST", path, body={"inputs": inputs[start : start + 100]})
    records = {"contacts": 60_000, "lab_results": 8_000, "health_scores": 8_000}
    text = told(problems_of(client, portal, schema, plan=plan_of(client, schema), records=records))
    assert "contacts has 447 of 500 custom properties and would get 92 more" in text
    assert "60,000 contacts are to be loaded, the account has room for 50,000" in text
    assert "16,000 records of custom objects are to be loaded, the account has room for 10,000" in text


def test_preflight_counts_the_properties_of_the_whole_account(client, portal, schema):
    settings(portal, properties_per_account=200)
    text = told(problems_of(client, portal, schema, plan=plan_of(client, schema)))
    assert "properties are to be created, the account has room for 200; archive unused properties" in text


def test_production_does_not_run_against_an_emulator(client, portal, schema):
    assert "emulator" in told(problems_of(client, portal, schema, "production"))


def test_a_rehearsal_does_not_run_against_a_live_account(client, schema):
    problems = preflight(client, schema, "rehearsal", "https://api.hubapi.com")
    assert "live account" in told(problems)


def test_the_commands_show_plan_and_problems_and_refuse_to_apply_with_problems(client, portal):
    settings(portal, custom_object_types=2)
    review = portal_plan(client, portal, "rehearsal")
    assert "Plan: 310 to create" in review.text and "Preflight:" in review.text
    with pytest.raises(TargetRefused, match=r"1\. 6 custom objects"):
        portal_apply(client, review, ALL)
    assert client.schemas() == []
    settings(portal, custom_object_types=10)
    review = portal_plan(client, portal, "rehearsal")
    steps = []
    taken = portal_apply(client, review, ALL, progress=lambda done, total, target: steps.append((done, total)))
    assert steps[-1] == (310, 310) and len(taken.sha256) == 64
    assert portal_plan(client, portal, "rehearsal").plan.empty


def test_a_wrong_token_is_refused_in_one_line(portal, schema):
    with connect(portal, "wrong", limits=LIMITS) as client, pytest.raises(TargetRefused, match="token"):
        read_portal(client, schema)


def test_the_snapshot_does_not_depend_on_the_portal_that_made_the_ids(client, portal, schema, tmp_path):
    here = apply_plan(plan_of(client, schema), client, schema, ALL)
    other = UNLIMITED.model_copy(update={"portal_id": 44_999_123})
    with running(tmp_path / "other.sqlite", settings=other) as url, connect(url, "test-token", limits=LIMITS) as second:
        there = apply_plan(plan_of(second, schema), second, schema, ALL)
    assert here.type_ids != there.type_ids
    assert here.sha256 == there.sha256
    assert replace(here, content={}).sha256 != here.sha256
