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
from ennu_lib.hubspot.schema import EXTERNAL_ID

Environment = Literal["rehearsal", "production"]
SANDBOX = "SANDBOX"
TEST_ACCOUNTS = frozenset({SANDBOX, "DEVELOPER_TEST", "APP_DEVELOPER"})
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
    kind = str(client.account().get("accountType") or "")
    problems = list(_right_portal(kind, environment, base_url))
    problems += _scopes(client, schema)
    if _sensitive_objects(schema):
        problems += _sensitive_data(client, kind)
    problems += _room(client, schema, plan or Plan(), records or {})
    if plan:
        problems += [Problem(f"{item.target} {item.problem}", item.cure) for item in plan.conflicts]
    return problems


def require_preflight(problems: list[Problem]) -> None:
    """Raise TargetRefused, naming every problem and its cure, when there is one."""
    if problems:
        raise TargetRefused("; ".join(f"{number}. {problem}" for number, problem in enumerate(problems, start=1)))


def _right_portal(kind: str, environment: Environment, base_url: str) -> Iterator[Problem]:
    address = urlsplit(base_url)
    on_this_machine = address.hostname in LOOPBACK
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
    granted = client.own_scopes()
    nouns = {"contacts" if name == "contacts" else "custom" for name in _sensitive_objects(schema)}
    for scope in sorted(f"crm.objects.{noun}.sensitive.write" for noun in nouns):
        if granted is not None and granted.isdisjoint({scope, f"{scope}.v2"}):
            yield Problem("the token may not write sensitive properties", f"add the scope {scope} to the app")


def _attempts(client: PortalClient, schema: PortalSchema) -> Iterator[tuple[str, Callable[[], Any]]]:
    yield "reading object schemas", client.schemas
    yield "writing object schemas", lambda: client.call("objects", "POST", client.paths.schemas(), body={})
    sensitive = _sensitive_objects(schema)
    telling = sorted(schema.objects.values(), key=lambda found: found.name in sensitive)
    kinds = {found.kind: found.name for found in telling if _exists(client, found.name)}
    for name in kinds.values():
        type_id = client.type_id(name)
        objects = client.paths.objects(type_id, "batch", "upsert")
        properties = client.paths.properties(type_id)
        yield f"reading records of {name}", lambda n=name: next(client.list_records(n), None)
        yield f"writing records of {name}", lambda p=objects: client.call("objects", "POST", p, body={"inputs": []})
        yield f"reading properties of {name}", lambda n=name: client.properties(n, ("non_sensitive",))
        yield f"reading sensitive properties of {name}", lambda n=name: client.properties(n, ("sensitive",))
        yield f"writing sensitive properties of {name}", lambda n=name: _touch_sensitive(client, n)
        yield f"writing properties of {name}", lambda p=properties: client.call("objects", "POST", p, body={})


def _touch_sensitive(client: PortalClient, name: str) -> None:
    """Update a record that no portal has, by a property of which a token without the scope may not even speak."""
    held = client.properties(name, ("sensitive",))
    if held:
        body = {"inputs": [{"id": "0", "properties": {held[0]["name"]: ""}}]}
        client.call("objects", "POST", client.paths.objects(client.type_id(name), "batch", "update"), body=body)


def _exists(client: PortalClient, name: str) -> bool:
    try:
        return client.known_type_id(name) is not None
    except TargetRefused:
        return False


def _sensitive_objects(schema: PortalSchema) -> list[str]:
    """The objects that have sensitive properties."""
    return [name for name, held in schema.properties.items() if any(each.sensitivity != "none" for each in held)]


def _sensitive_data(client: PortalClient, kind: str) -> Iterator[Problem]:
    """Whether the account takes sensitive properties. No endpoint tells; these do, the surer one first:

    a sandbox never takes them; an account that has one takes them; and two property definitions that no portal takes,
    equal but for their sensitivity, must fail alike. When even that shows nothing, the first step of `apply` will.
    """
    if kind == SANDBOX:
        yield Problem("the account is a sandbox, which has no sensitive data", "use the production account")
        return
    try:
        if client.properties("contacts", ("sensitive",)):
            return
        group = next((found["name"] for found in client.groups("contacts")), "contactinformation")
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
    limit, usage = int(found.get("limit", 0)), int(found.get("usage", 0))
    if wanted and not limit:
        yield Problem(
            f"{wanted} custom objects are to be created, the account's subscription has none",
            "upgrade the account to Enterprise, the only tier with custom objects and sensitive data",
        )
    elif wanted > limit - usage:
        yield Problem(
            f"{wanted} custom objects are to be created, the account has room for {limit - usage}",
            "delete unused ones, or raise the subscription's limit",
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
        free = int(item["limit"]) - int(item["usage"]) if item else count
        if (new := _still_to_come(client, {name: count}, free)) > free:
            yield Problem(f"{new:,} {name} are to be loaded, the account has room for {free:,}", _MORE_ROOM)
    custom = found.get("customObjectTypes", {})
    wanted = {name: count for name, count in records.items() if schema.objects[name].kind == "custom"}
    free = int(custom.get("overallLimit", 0)) - int(custom.get("overallUsage", 0))
    if (new := _still_to_come(client, wanted, free)) > free:
        yield Problem(
            f"{new:,} records of custom objects are to be loaded, the account has room for {free:,} in all of them "
            "together",
            _MORE_ROOM,
        )


def _still_to_come(client: PortalClient, records: Mapping[str, int], free: int) -> int:
    """How many of these records are not in the portal yet; they are only counted there when room is short."""
    wanted = sum(records.values())
    if wanted <= free:
        return wanted
    return wanted - sum(min(count, _loaded(client, name)) for name, count in records.items())


def _loaded(client: PortalClient, name: str) -> int:
    """Records that have our key; none where the portal does not know the key yet."""
    known = client.properties(name, ("non_sensitive",)) if client.known_type_id(name) else ()
    return client.count_with(name, EXTERNAL_ID) if EXTERNAL_ID in {held["name"] for held in known} else 0


_MORE_ROOM = "raise the limit of the subscription, or keep the older records in the archive"
