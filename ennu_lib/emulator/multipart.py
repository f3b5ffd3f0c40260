"""The parts of a multipart/form-data body (RFC 7578), as far as imports need them."""

from __future__ import annotations

import re
from typing import NamedTuple

from ennu_lib.emulator.errors import bad_request

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?')
_NAME = re.compile(rb'[; ]name="([^"]*)"', re.IGNORECASE)
_FILE = re.compile(rb'filename="([^"]*)"', re.IGNORECASE)


class Part(NamedTuple):
    """One field; `file_name` is empty when it is no file."""

    name: str
    file_name: str
    content: bytes


def form_parts(content_type: str, body: bytes) -> list[Part]:
    """The fields of a form. Raises a 400 when the body is none."""
    boundary = _BOUNDARY.search(content_type)
    if not content_type.startswith("multipart/form-data") or boundary is None:
        raise bad_request("Invalid import: the request must be multipart/form-data")
    parts = []
    for piece in (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode())[1:]:
        if piece.startswith(b"--"):
            break
        head, _, content = piece.partition(b"\r\n\r\n")
        if name := _NAME.search(head):
            file_name = _FILE.search(head)
            parts.append(Part(name[1].decode(), file_name[1].decode() if file_name else "", content))
    return parts
