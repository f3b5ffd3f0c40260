"""One request over real sockets against servers that behave badly: what comes back is a reply or a named failure."""

import gzip
import socket
import threading
import time
from contextlib import contextmanager

import pytest

from ennu_lib.hubspot.transport import HubSpotTransport, NoReply, Timeouts

JSON = b'{"results":[]}'
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def server(serve):
    """A server on a free port that hands every connection to `serve(connection, request head and body)`."""
    listener = socket.create_server(("127.0.0.1", 0))
    stopping = threading.Event()

    def accept():
        while not stopping.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    serve(connection, connection.recv(65_536))
                except OSError:
                    continue

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stopping.set()
        listener.close()


def send(url, **how):
    transport = HubSpotTransport(url, "secret-token", Timeouts(0.5, 1.0))
    try:
        return transport.send(how.pop("method", "GET"), "/crm/v3/objects/contacts", **how)
    finally:
        transport.close()


def answer(*parts, pause=0.0):
    def serve(connection, request):
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)

    return serve


def whole(body=JSON, more=b""):
    return answer(OK + more + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def test_a_reply_has_status_headers_and_body():
    with server(whole(more=b"X-HubSpot-RateLimit-Max: 190\r\n")) as url:
        reply = send(url)
    assert (reply.status, reply.body, reply.headers["x-hubspot-ratelimit-max"]) == (200, JSON, "190")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status):
    """Elsewhere is nowhere that patient data may go."""
    elsewhere = []
    with server(lambda connection, request: elsewhere.append(request)) as other:
        moved = b"HTTP/1.1 %d Moved\r\nLocation: %s/x\r\nContent-Length: 0\r\n\r\n" % (status, other.encode())
        with server(answer(moved)) as url:
            assert send(url, method="POST", body={"inputs": []}).status == status
    assert elsewhere == []


def test_the_request_carries_token_query_and_plain_json():
    seen = []

    def serve(connection, request):
        while not request.endswith(b"]}"):
            request += connection.recv(65_536)
        seen.append(request)
        whole()(connection, request)

    with server(serve) as url:
        send(url, method="POST", query=[("dataSensitivity", "sensitive")], body={"inputs": [{"id": "1"}]})
    head, body = seen[0].split(b"\r\n\r\n")
    assert head.startswith(b"POST /crm/v3/objects/contacts?dataSensitivity=sensitive HTTP/1.1")
    assert b"Authorization: Bearer secret-token" in head and b"Content-Type: application/json" in head
    assert body == b'{"inputs":[{"id":"1"}]}'


@pytest.mark.parametrize("status", [207, 302, 400, 401, 403, 429, 477, 503])
def test_every_status_is_a_reply_and_none_an_exception(status):
    with server(answer(b"HTTP/1.1 %d X\r\nLocation: /elsewhere\r\nContent-Length: 2\r\n\r\n{}" % status)) as url:
        assert send(url).status == status


def test_compressed_and_chunked_bodies_are_read_whole():
    packed = gzip.compress(JSON)
    chunked = OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n" + JSON[:5] + b"\r\n9\r\n" + JSON[5:] + b"\r\n0\r\n\r\n"
    with server(whole(packed, b"Content-Encoding: gzip\r\n")) as url:
        assert send(url).body == JSON
    with server(answer(chunked)) as url:
        assert send(url).body == JSON


@pytest.mark.parametrize(
    ("serve", "why"),
    [
        (answer(OK + b"Content-Length: 100\r\n\r\n" + JSON), "broken"),
        (answer(OK + b"Transfer-Encoding: chunked\r\n\r\nff\r\n" + JSON), "broken"),
        (answer(OK + b"Content-Encoding: gzip\r\nContent-Length: 14\r\n\r\n" + JSON), "broken"),
        (answer(b"nonsense\r\n\r\n"), "broken"),
        (answer(), "broken"),
        (answer(b"", pause=2.5), "timeout"),
        (answer(OK + b"Content-Length: 30\r\n\r\n", *[b"x"] * 30, pause=0.15), "timeout"),
    ],
    ids=["short body", "short chunk", "bad gzip", "no HTTP", "closed", "no answer", "drip"],
)
def test_what_is_not_a_whole_answer_is_no_reply(serve, why):
    with server(serve) as url, pytest.raises(NoReply) as failed:
        send(url)
    assert failed.value.why == why
    assert failed.value.__cause__ is None and failed.value.__suppress_context__


def test_a_portal_that_is_not_there_is_unreachable():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NoReply) as failed:
        send(f"http://127.0.0.1:{port}")
    assert failed.value.why == "unreachable"
    with pytest.raises(NoReply) as failed:
        send("http://portal.invalid")
    assert failed.value.why == "unreachable"


def test_one_connection_serves_many_requests():
    connections = []

    def serve(connection, request):
        connections.append(1)
        while request:
            whole()(connection, request)
            request = connection.recv(65_536)

    with server(serve) as url:
        transport = HubSpotTransport(url, "t", Timeouts(0.5, 1.0))
        for _ in range(20):
            assert transport.send("GET", "/account-info/v3/details").status == 200
        transport.close()
    assert len(connections) == 1


def test_nothing_can_leak_to_production():
    transport = HubSpotTransport("http://127.0.0.1:9/", "t")
    configuration = transport._api.api_client.configuration
    assert configuration.host == configuration.base_url == "http://127.0.0.1:9"
    assert configuration.retries is False
