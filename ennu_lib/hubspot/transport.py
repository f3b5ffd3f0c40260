"""One HTTP request to the portal, through the official client's own transport, with a deadline and no retry.

The official client builds a connection pool on every attribute access, parses every answer into lossy models, has no
timeouts, and its `host` does not reach `api_request`. Here one of its API objects is made once and kept, bodies and
answers are plain JSON, and both addresses are set so that no test can reach production.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol
from urllib.parse import urlencode

import hubspot
import orjson
import urllib3
from hubspot.crm.objects import ApiClient, BatchApi

CHUNK = 1 << 20
Why = Literal["unreachable", "timeout", "broken"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: status, headers (case-insensitive) and the raw body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NoReply(Exception):
    """Nothing usable came back. Only `unreachable` means for certain that the portal did nothing."""

    def __init__(self, why: Why):
        super().__init__(why)
        self.why: Why = why


class Timeouts(NamedTuple):
    """Seconds to wait for a connection, and for the whole answer.

    HubSpot answers 524 after 100 seconds: a shorter deadline would make ambiguous what it is about to say.
    """

    connect: float = 10.0
    read: float = 110.0


DEFAULT_TIMEOUTS = Timeouts()


class Transport(Protocol):
    """What the caller needs to send requests; the rehearsal has one without a network."""

    def send(self, method: str, path: str, query: Sequence[tuple[str, str]] = (), body: Any = None) -> Reply:
        """One request. Raises NoReply."""
        ...

    def close(self) -> None:
        """Let the connections go."""
        ...


class PlainApiClient(ApiClient):
    """The official transport and its authentication, for bodies that are plain JSON already."""

    def sanitize_for_serialization(self, obj: Any) -> Any:
        """Walking every value of a batch of 100 records would cost as much as sending it."""
        return obj

    def request(self, method: str, url: str, **how: Any) -> urllib3.BaseHTTPResponse:
        """Send, and return any status as it is: the official exceptions carry the server's text."""
        body = how["body"]
        return self.rest_client.pool_manager.request(
            method,
            f"{url}?{urlencode(how['query_params'])}" if how["query_params"] else url,
            headers=how["headers"],
            preload_content=False,
            timeout=urllib3.Timeout(*how["_request_timeout"]),
            **({} if body is None else {"body": orjson.dumps(body)}),
        )


class HubSpotTransport:
    """The portal at `base_url`, with a token. Safe to share by as many threads as `connections`."""

    def __init__(self, base_url: str, token: str, timeouts: Timeouts = DEFAULT_TIMEOUTS, connections: int = 8):
        self._timeouts = timeouts
        client = hubspot.HubSpot(
            access_token=token,
            host=base_url.rstrip("/"),
            base_url=base_url.rstrip("/"),
            connection_pool_maxsize=connections,
            retry=False,
            api_factory=_plain_batch_api,
        )
        self._api: BatchApi = client.crm.objects.batch_api

    def send(self, method: str, path: str, query: Sequence[tuple[str, str]] = (), body: Any = None) -> Reply:
        """One request within the deadline. Raises NoReply, without any text of the server or the socket."""
        ends = time.monotonic() + sum(self._timeouts)
        try:
            response = self._api.api_client.call_api(
                path,
                method,
                query_params=list(query),
                header_params={"Accept": "application/json", "Content-Type": "application/json"},
                body=body,
                auth_settings=["oauth2"],
                _preload_content=False,
                _request_timeout=self._timeouts,
            )
            return Reply(response.status, response.headers, _read(response, ends))
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError):
            raise NoReply("unreachable") from None
        except (urllib3.exceptions.TimeoutError, TimeoutError):
            raise NoReply("timeout") from None
        except (urllib3.exceptions.HTTPError, OSError):
            raise NoReply("broken") from None

    def close(self) -> None:
        self._api.api_client.rest_client.pool_manager.clear()


def _plain_batch_api(package: Any, api_name: str, config: Mapping[str, Any]) -> Any:
    """The official client's hook for making an API object, here with the plain transport below it."""
    configuration = package.Configuration()
    for name, value in config.items():
        setattr(configuration, "retries" if name == "retry" else name, value)
    api_client = PlainApiClient(configuration=configuration)
    api_client.user_agent = "ennu-migration-workbook"
    return getattr(package, api_name)(api_client=api_client)


def _read(response: urllib3.BaseHTTPResponse, ends: float) -> bytes:
    """The whole body. A socket timeout alone would let a server send one byte a second for ever."""
    chunks = []
    while chunk := response.read1(CHUNK):
        chunks.append(chunk)
        if time.monotonic() > ends:
            response.close()
            raise TimeoutError
    response.release_conn()
    return b"".join(chunks)
