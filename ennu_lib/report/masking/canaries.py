"""Search for planted values: improbable names, addresses and numbers that exist only to be looked for."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping

from ennu_lib.report.masking.personal_data import Hit, decoded

SHORTEST = 6
_TAG = re.compile(r"<[^<>]*>")
_HEX = re.compile(r"\b[0-9a-f]{32,64}\b")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{8,}={0,2}")


def scan_canaries(text: str, planted: Mapping[str, str] | Iterable[str]) -> list[Hit]:
    """Find every planted value that occurs in `text`, in whatever guise.

    `planted` maps a label that may be printed (such as `patients.first_name`) to the value; plain values are numbered.
    Guises: character references, `\\u` escapes, percent encoding, base64, other case, accents, punctuation or spaces,
    markup in between, and the unkeyed MD5, SHA-1 or SHA-256 of the value. Raises ValueError for a value of fewer than 6
    letters and digits, which would be found everywhere.
    """
    labelled = dict(planted) if isinstance(planted, Mapping) else {f"canary {i}": v for i, v in enumerate(planted, 1)}
    forms = {label: squeezed(value) for label, value in labelled.items()}
    if any(len(form) < SHORTEST for form in forms.values()):
        raise ValueError(f"a planted value needs at least {SHORTEST} letters and digits")
    seen = _haystack(text)
    digests = set(_HEX.findall(text.lower()))
    found = {Hit(label, "text") for label, form in forms.items() if form in seen}
    found |= {Hit(label, "unkeyed hash") for label, value in labelled.items() if digests & _digests(value)}
    return sorted(found)


def squeezed(text: str) -> str:
    """The letters and digits of `text`, without accents and case."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in folded if c.isalnum())


def _haystack(text: str) -> str:
    plain = decoded(text)
    hidden = [_unbase64(token) for token in _BASE64.findall(plain)]
    return "\n".join(map(squeezed, [plain, _TAG.sub("", plain), *filter(None, hidden)]))


def _unbase64(token: str) -> str:
    unpadded = token.rstrip("=")
    try:
        return base64.b64decode(unpadded + "=" * (-len(unpadded) % 4), validate=True).decode("utf-8", "ignore")
    except (binascii.Error, ValueError):
        return ""


def _digests(value: str) -> set[str]:
    spellings = {value, value.strip(), value.casefold(), value.upper(), squeezed(value)}
    algorithms = (hashlib.md5, hashlib.sha1, hashlib.sha256)
    return {algorithm(s.encode(), usedforsecurity=False).hexdigest() for s in spellings for algorithm in algorithms}
