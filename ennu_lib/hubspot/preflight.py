"""Before anything is written: is this the right portal, may the token do what it must, and is there room?

Permissions to write are found out by requests that cannot succeed, because they lack what every portal demands: a
portal without the permission says so first, one with it complains of the gap. Nothing is ever made by them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from ennu_lib.errors import TargetRefused
from ennu_lib.hubspot.caller import Refused
from ennu_lib.hubspot.client import PortalClient
from ennu_lib.hubspot.plan import Plan
from ennu_lib.hubspot.portal_schema import PortalSchema

Environment = Literal["rehearsal", "production"]
TEST_ACCOUNTS = frozenset({"SANDBOX", "DEVELOPER_TEST", "APP_DEVELOPER"})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
PROBE = "ennu_preflight_probe"


@dataclass(frozen=True)
class Problem:
    """What is wrong with the portal or the token, and what a person can do about it."""

    what: str
    cure: str

    def __str__(self) -> str:
        return f"{self.what}; {self.cure}"


def preflight(
    client: PortalClient,
    schema: PortalSchema,
    environment: Environment,
    base_url: str,
    plan: Plan | None = None,
    records: Mapping[str, int] | None = None,
) -> list[Problem]:
    """Every reason not to start, all at once. `records` are the records to be loaded, by object.

    Raises TargetRefused only for a token that opens nothing, and TargetUnreachable.
    """
    problems = list(_right_portal(client, environment, base_url))
    problems += _scopes(client, schema)
    if any(_wants_sensitive(schema)):
        problems += _sensitive_data(client)
    problems += _room(client, schema, plan or Plan(), records or {})
    if plan:
        problems += [Problem(f"{item.target} {item.problem}", item.cure) for item in plan.conflicts]
    return problems


def require_preflight(problems: list[Problem]) -> None:
    """Raise TargetRefused, naming every problem and its cure, when there is one."""
    if problems:
        raise TargetRefused("; ".join(f"{number}. {problem}" for number, problem in enumerate(problems, start=1)))


def _right_portal(client: PortalClient, environment: Environment, base_url: str) -> Iterator[Problem]:
    address = urlsplit(base_url)
    on_this_machine = address.hostname in LOOPBACK
    kind = str(client.account().get("accountType") or "")
    if environment == "production":
        if address.scheme != "https" or on_this_machine:
            yield Problem("a production run goes to an emulator or over plain HTTP", "correct target.url of the run")
        if kind in TEST_ACCOUNTS:
            yield Problem(f"the account is a test account ({kind})", "use a token of the production account")
    elif not on_this_machine and kind not in TEST_ACCOUNTS:
        yield Problem(
            "a rehearsal would write into a live account",
            "use the emulator or a test account, or make it a production run",
        )


def _scopes(client: PortalClient, schema: PortalSchema) -> Iterator[Problem]:
    for what, attempt in _attempts(client, schema):
        try:
            attempt()
        except TargetRefused as refusal:
            yield Problem(f"{what} is not permitted", str(refusal))


def _attempts(client: PortalClient, schema: PortalSchema) -> Iterator[tuple[str, Callable[[], Any]]]:
    yield "reading object schemas", client.schemas
    yield "writing object schemas", lambda: client.call("objects", "POST", client.paths.schemas(), body={})
    kinds = {found.kind: found.name for found in schema.objects.values() if _exists(client, found.name)}
    for name in kinds.values():
        type_id = client.type_id(name)
        objects = client.paths.objects(type_id, "batch", "upsert")
        properties = client.paths.properties(type_id)
        yield f"reading records of {name}", lambda n=name: next(client.list_records(n), None)
        yield f"writing records of {name}", lambda p=objects: client.call("objects", "POST", p, body={"inputs": []})
        yield f"reading properties of {name}", lambda n=name: client.properties(n, ("non_sensitive",))
        yield f"reading sensitive properties of {name}", lambda n=name: client.properties(n, ("sensitive",))
        yield f"writing properties of {name}", lambda p=properties: client.call("objects", "POST", p, body={})


def _exists(client: PortalClient, name: str) -> bool:
    try:
        return client.known_type_id(name) is not None
    except TargetRefused:
        return False


def _wants_sensitive(schema: PortalSchema) -> Iterator[bool]:
    return (held.sensitivity != "none" for properties in schema.properties.values() for held in properties)


def _sensitive_data(client: PortalClient) -> Iterator[Problem]:
    """Two property definitions that no portal takes, equal but for their sensitivity, must fail alike."""
    try:
        group = client.groups("contacts")[0]["name"]
        plain, sensitive = (
            _probe(client, {**_impossible(group), **more}) for more in ({}, {"dataSensitivity": "sensitive"})
        )
    except TargetRefused as refusal:
        yield Problem("sensitive properties cannot be written", str(refusal))
        return
    if plain != sensitive:
        yield Problem(
            "the account does not take sensitive data",
            "a super admin of an Enterprise account turns it on (it cannot be turned off again) and signs the BAA",
        )


def _impossible(group: str) -> dict[str, Any]:
    twice = [{"label": "A", "value": "a"}, {"label": "B", "value": "a"}]
    return {
        "name": PROBE,
        "label": "Probe",
        "type": "enumeration",
        "fieldType": "select",
        "groupName": group,
        "options": twice,
    }


def _probe(client: PortalClient, body: dict[str, Any]) -> tuple[str, str]:
    outcome = client.call("objects", "POST", client.paths.properties(client.type_id("contacts")), body=body)
    if isinstance(outcome, Refused):
        return outcome.rejection.category, outcome.rejection.code
    raise TargetRefused(f"the portal has not refused an impossible property; look for {PROBE} in its settings")


def _room(client: PortalClient, schema: PortalSchema, plan: Plan, records: Mapping[str, int]) -> Iterator[Problem]:
    try:
        yield from _room_for_types(client, plan)
        yield from _room_for_properties(client, plan)
        yield from _room_for_records(client, schema, records)
    except TargetRefused as refusal:
        yield Problem("the account's limits cannot be read", str(refusal))


def _room_for_types(client: PortalClient, plan: Plan) -> Iterator[Problem]:
    wanted = sum(step.kind == "schema" for step in plan.create)
    found = client.limits("custom-object-types")
    free = int(found.get("limit", 0)) - int(found.get("usage", 0))
    if wanted > free:
        yield Problem(
            f"{wanted} custom objects are to be created, the account has room for {free}",
            "delete unused ones, or raise the subscription's limit (lower tiers than Enterprise have none)",
        )


def _room_for_properties(client: PortalClient, plan: Plan) -> Iterator[Problem]:
    found = client.limits("custom-properties")
    used = {item["objectTypeId"]: item for item in found.get("byObjectType", ())}
    wanted: dict[str, int] = {}
    for step in plan.create:
        if step.kind == "property":
            wanted[step.object] = wanted.get(step.object, 0) + 1
    for name, count in wanted.items():
        item = used.get(client.known_type_id(name) or "")
        if item and count > int(item["limit"]) - int(item["usage"]):
            yield Problem(
                f"{name} has {item['usage']} of {item['limit']} custom properties and would get {count} more",
                f"archive unused properties of {name}",
            )
    free = int(found.get("overallLimit", 0)) - int(found.get("overallUsage", 0))
    if "overallLimit" in found and sum(wanted.values()) > free:
        yield Problem(
            f"{sum(wanted.values())} properties are to be created, the account has room for {free}",
            "archive unused properties",
        )


def _room_for_records(client: PortalClient, schema: PortalSchema, records: Mapping[str, int]) -> Iterator[Problem]:
    if not records:
        return
    found = client.limits("records")
    standard = {item["objectTypeId"]: item for item in found.get("hubspotDefinedObjectTypes", ())}
    for name, count in records.items():
        item = standard.get(client.known_type_id(name) or "")
        free = int(item["limit"]) - int(item["usage"]) if item else None
        if free is not None and count > free:
            yield Problem(f"{count:,} {name} are to be loaded, the account has room for {free:,}", _MORE_ROOM)
    custom = found.get("customObjectTypes", {})
    wanted = sum(count for name, count in records.items() if schema.objects[name].kind == "custom")
    free = int(custom.get("overallLimit", 0)) - int(custom.get("overallUsage", 0))
    if wanted > free:
        yield Problem(
            f"{wanted:,} records of custom objects are to be loaded, the account has room for {free:,} in all of them "
            "together",
            _MORE_ROOM,
        )


_MORE_ROOM = "raise the limit of the subscription, or keep the older records in the archive"
