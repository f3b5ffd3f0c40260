"""Where HubSpot's endpoints are. The API version stands here and nowhere else.

v4 of the associations is unsupported from 30 March 2027 and v3 from September 2027; the dated paths follow them.
"""

from __future__ import annotations

from typing import Literal, get_args
from urllib.parse import quote

Version = Literal["v3", "2026-03", "2026-09"]
VERSIONS: tuple[Version, ...] = get_args(Version)


class Paths:
    """Builds the path of every endpoint in use for one API version. Parts are escaped."""

    def __init__(self, version: Version = "v3"):
        if version not in VERSIONS:
            raise ValueError(f"the API version is one of {', '.join(VERSIONS)}")
        self.version = version
        self._dated = version != "v3"

    def objects(self, object_type: str, *parts: str) -> str:
        """Records: `objects("0-1", "batch", "upsert")`."""
        return self._of("objects", "v3", object_type, *parts)

    def properties(self, object_type: str, *parts: str) -> str:
        """Property definitions, and groups below `groups`."""
        return self._of("properties", "v3", object_type, *parts)

    def schemas(self, *parts: str) -> str:
        """Schemas of custom objects and their association definitions."""
        return _join("/crm-object-schemas", self.version, "schemas", *parts)

    def associations(self, from_type: str, to_type: str, *parts: str) -> str:
        """Association batches and labels between two object types."""
        return self._of("associations", "v4", from_type, to_type, *parts)

    def limits(self, *parts: str) -> str:
        """How much of the account's records, objects and properties is used."""
        return self._of("limits", "v3", *parts)

    def account(self) -> str:
        """Portal id, time zone and account type."""
        return _join("/account-info", self.version, "details")

    def token_info(self) -> str:
        """Which scopes a token has."""
        version = self.version if self._dated else "v2"
        return _join("/oauth", version, "private-apps", "get", "access-token-info")

    def _of(self, family: str, legacy: str, *parts: str) -> str:
        if self._dated:
            return _join("/crm", family, self.version, *parts)
        return _join("/crm", legacy, family, *parts)


def _join(*parts: str) -> str:
    first, *rest = parts
    return "/".join([first, *(quote(part, safe="") for part in rest)])
