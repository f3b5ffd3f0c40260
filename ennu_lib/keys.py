"""Secrets by name, and the keyed pseudonyms that are made from one of them.

An external id must not be guessable from the record it stands for: one core computes a million unkeyed hashes of
birth dates or social security numbers a second. BLAKE2b takes the secret as its key and a purpose as its
personalization, so an id, a row digest and a canary made from the same row have nothing in common.
"""

from __future__ import annotations

import os
import secrets
from hashlib import blake2b, shake_256
from pathlib import Path

from ennu_lib.errors import SecretMissing

KEY_BYTES = 32
Buffer = bytes | memoryview


def secret(name: str, folder: Path | None = None) -> str:
    """The secret called `name`: from the environment, else from a file of that name in `folder`.

    Raises SecretMissing, which names the secret and never shows one.
    """
    if value := os.environ.get(name):
        return value
    if folder and (folder / name).is_file():
        return (folder / name).read_text(encoding="ascii").strip()
    raise SecretMissing(f"the secret {name} is not set; put it into the environment variable {name} and start again")


def make_rehearsal_key(name: str, folder: Path) -> None:
    """Create a random key file for rehearsals in `folder`, for its owner only, unless one is there already."""
    try:
        handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(KEY_BYTES))


class Keys:
    """Pseudonyms made with one secret key."""

    def __init__(self, secret_text: str):
        if len(secret_text) < KEY_BYTES:
            raise SecretMissing(f"the pseudonym key is shorter than {KEY_BYTES} characters; make a longer one")
        self._key = blake2b(secret_text.encode(), digest_size=64).digest()

    def external_id(self, table: str, key: str) -> str:
        """The opaque id, 32 hexadecimal digits, of the record made from source row `(table, key)`."""
        return self._digest(b"external-id", f"{table}\0{key}".encode(), 16).hexdigest()

    def external_ids(self, table: str, keys: list[str]) -> list[str]:
        """`external_id` for many keys of one table."""
        start = self._digest(b"external-id", f"{table}\0".encode(), 16)
        found = []
        for key in keys:
            digest = start.copy()
            digest.update(key.encode())
            found.append(digest.hexdigest())
        return found

    def key_stream(self, purpose: str, size: int) -> bytes:
        """`size` bytes of key for one purpose: SHAKE-256 of a key of its own."""
        return shake_256(self._digest(b"key-stream", purpose.encode(), 64).digest()).digest(size)

    def value_digest(self, value: Buffer) -> bytes:
        """The 16-byte keyed digest of one long value."""
        return self._digest(b"value-digest", value, 16).digest()

    def fingerprint(self) -> str:
        """Eight digits that tell two keys apart and say nothing about either."""
        return self._digest(b"fingerprint", b"", 4).hexdigest()

    def _digest(self, purpose: bytes, data: Buffer, size: int):
        return blake2b(data, digest_size=size, key=self._key, person=purpose)
