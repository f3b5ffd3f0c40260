"""No body, however wrong, makes the emulator stumble: every answer is a success or a refusal of 4xx."""

import asyncio

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ennu_lib.clock import VirtualClock
from ennu_lib.emulator import EmulatorSettings, create_app
from ennu_lib.emulator import bodies as shapes
from ennu_lib.emulator.bodies import ANY, FLAG, ID, NUMBER, OBJECT, TEXT, conform
from ennu_lib.emulator.endpoints import FAMILIES
from ennu_lib.emulator.errors import ApiError

ENDPOINTS = [(family.legacy[0], endpoint) for family in FAMILIES for endpoint in family.endpoints]
PLACES = {"object_type": "contacts", "from_type": "contacts", "to_type": "companies"}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.text(max_size=3)
    | st.sampled_from(["contacts", "email", "0-1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
LEAVES = {
    TEXT: st.sampled_from(["", "a", "email", "firstname", "contacts", "EQ", "IN", "string", "select", "\ud800".encode(
        "utf-8", "replace").decode()]),
    ID: st.sampled_from([0, 1, "1", "100000001", "x", "9" * 30, -1]),
    FLAG: st.booleans(), NUMBER: st.integers(-5, 5), ANY: JSON,
    OBJECT: st.dictionaries(st.sampled_from(["email", "firstname", "nonsense", "hs_object_id"]), JSON, max_size=3),
}  # fmt: skip


def fitting(shape):
    """Values of a shape, and now and then something else in its place."""
    if isinstance(shape, dict):
        good = st.fixed_dictionaries({}, optional={name: fitting(inner) for name, inner in shape.items()})
    elif isinstance(shape, list):
        good = st.lists(fitting(shape[0]), max_size=3)
    else:
        good = LEAVES[shape]
    return st.integers(0, 12).flatmap(lambda n: JSON if n == 0 else good)


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    state = tmp_path_factory.mktemp("bodies") / "portal.sqlite"
    return create_app(state, settings=EmulatorSettings(limits_enforced=False), clock=VirtualClock())


async def ask(app, method, path, body):
    transport = httpx.ASGITransport(app)
    headers = {"Authorization": "Bearer test-token"}
    async with httpx.AsyncClient(transport=transport, base_url="http://portal", headers=headers) as http:
        return await http.request(method, path, json=body)


def path_of(prefix, endpoint):
    path = prefix + endpoint.path
    for name, value in PLACES.items():
        path = path.replace("{" + name + "}", value)
    return path.replace("{", "").replace("}", "")


@given(st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_a_success_or_a_refusal(app, data):
    prefix, endpoint = data.draw(st.sampled_from([e for e in ENDPOINTS if e[1].body is not None]))
    body = data.draw(fitting(endpoint.body))
    answer = asyncio.run(ask(app, endpoint.method, path_of(prefix, endpoint), body))
    assert 200 <= answer.status_code < 500, (endpoint.method, endpoint.path, body, answer.text)


@given(st.sampled_from([name for name in vars(shapes) if name.isupper() and name not in ("ANY",)]), JSON)
def test_a_body_fits_its_shape_or_is_refused_with_the_place(name, body):
    shape = getattr(shapes, name)
    try:
        conform(body, shape)
    except ApiError as refused:
        assert refused.status == 400 and "the request body" in refused.body["message"]
