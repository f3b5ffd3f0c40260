"""Names, telephone numbers, e-mail addresses and places, brought into one form each."""

from __future__ import annotations

import re
from functools import cache

import ftfy
import phonenumbers
from email_validator import EmailNotValidError, validate_email

from ennu_lib.quality.outcome import Outcome, kept, refused
from ennu_lib.quality.states import STATES

PLACEHOLDER_NAMES = frozenset({"test", "unknown", "n/a", "na", "none", "x", "xx", "xxx", "-", ".", "patient", "tbd"})
PLACEHOLDER_MAILBOXES = frozenset({"none", "noemail", "no", "na", "test", "nomail", "noreply", "unknown", "declined"})
PLACEHOLDER_DOMAINS = frozenset({"na.com", "none.com", "noemail.com", "test.com", "nomail.com", "email.com"})
PARTICLES = frozenset({"de", "la", "del", "der", "den", "van", "von", "da", "di", "dos", "du", "le", "el", "bin", "al"})
SEXES = {
    "male": ("m", "male", "man", "0", "boy"),
    "female": ("f", "female", "woman", "1", "girl"),
    "other": ("o", "other", "x", "nonbinary", "non-binary", "nb"),
    "unknown": ("u", "unknown", "2", "?", "not given", "undisclosed"),
}
SEX_OF = {spelling: sex for sex, spellings in SEXES.items() for spelling in spellings}
MOST_REPAIRS = 8
_EXTENSION = re.compile(r"(?i)\s*(?:x|ext\.?|#)\s*\d+\s*$")
_SPACES = re.compile(r"\s+")
_WORD = re.compile(r"[^\W\d_]+", re.UNICODE)


def repaired(text: str) -> str:
    """Text without mojibake and control characters, in Unicode form C, with single spaces.

    One repair may lay open another, so it is repeated until it changes nothing.
    """
    for _ in range(MOST_REPAIRS):
        before, text = text, _repaired_once(text)
        if text == before:
            break
    return text


def _repaired_once(text: str) -> str:
    clean = ftfy.fix_text(text, uncurl_quotes=False, normalization="NFC")
    return _SPACES.sub(" ", "".join(c for c in clean if c.isprintable() or c == " ")).strip()


def name(text: str) -> Outcome:
    """A personal name: repaired, and in mixed case where it was typed in one case only."""
    clean = repaired(text)
    if clean.casefold() in PLACEHOLDER_NAMES:
        return refused("PLACEHOLDER")
    if not any(c.isalpha() for c in clean):
        return refused("NOT_A_NAME")
    return kept(_mixed_case(clean) if clean.isupper() or clean.islower() else clean)


def _mixed_case(text: str) -> str:
    words = text.lower().split(" ")
    cased = [w if w in PARTICLES and (i or len(words) > 1) else _capital(w) for i, w in enumerate(words)]
    return " ".join(cased)


def _capital(word: str) -> str:
    cased = _WORD.sub(lambda m: m[0][:1].upper() + m[0][1:], word)
    return re.sub(r"^Mc(\w)", lambda m: f"Mc{m[1].upper()}", cased)


@cache
def phone(text: str) -> Outcome:
    """A telephone number in E.164; numbers without a country are American (rule PAT-08)."""
    bare = _EXTENSION.sub("", text.strip())
    figures = re.sub(r"\D", "", bare)
    if len(set(figures)) <= 1 or figures in ("1234567890", "0123456789"):
        return refused("PLACEHOLDER" if figures else "NOT_A_NUMBER")
    try:
        parsed = phonenumbers.parse(bare, "US")
    except phonenumbers.NumberParseException:
        return refused("NOT_A_NUMBER")
    if not phonenumbers.is_possible_number(parsed):
        return refused("IMPOSSIBLE_NUMBER")
    if parsed.country_code == 1 and not _plausible_american(str(parsed.national_number)):
        return refused("PLACEHOLDER" if "55501" in figures[-7:-2] else "IMPOSSIBLE_NUMBER")
    return kept(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def _plausible_american(national: str) -> bool:
    """Rule PAT-08: area code and exchange begin with 2-9 and do not end in 11, and 555-0100 to 0199 is fiction."""
    if not re.fullmatch(r"[2-9][0-8]\d[2-9]\d{6}", national) or national[1:3] == "11" or national[4:6] == "11":
        return False
    return not re.fullmatch(r"\d{3}55501\d\d", national)


def email(text: str) -> Outcome:
    """An e-mail address in lower case, checked for its form without any network (rule PAT-07)."""
    clean = repaired(text).strip("<>;, ").removeprefix("mailto:").replace(" ", "").lower()
    mailbox, _, domain = clean.partition("@")
    if mailbox in PLACEHOLDER_MAILBOXES or domain in PLACEHOLDER_DOMAINS:
        return refused("PLACEHOLDER")
    try:
        checked = validate_email(clean, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return refused("NOT_AN_ADDRESS")
    return kept(checked.normalized.lower())


def sex(text: str) -> Outcome:
    """male, female, other or unknown."""
    found = SEX_OF.get(text.strip().casefold())
    return kept(found) if found else refused("UNKNOWN_CODE")


def state(text: str) -> Outcome:
    """The two letters of the US Postal Service."""
    letters = re.sub(r"[^a-z]", "", text.casefold())
    found = STATES.get(letters) or (letters.upper() if letters.upper() in set(STATES.values()) else None)
    return kept(found) if found else refused("UNKNOWN_STATE")


def zip_code(text: str) -> Outcome:
    """A ZIP code of five digits, or nine as 12345-6789; a leading zero that a spreadsheet ate comes back."""
    figures = re.sub(r"[\s-]", "", text)
    if not figures.isascii() or not figures.isdigit():
        return refused("NOT_A_ZIP")
    if len(figures) in (3, 4):
        figures = figures.zfill(5)
    if len(figures) == 9:
        return kept(f"{figures[:5]}-{figures[5:]}")
    return kept(figures) if len(figures) == 5 and figures != "00000" else refused("NOT_A_ZIP")


def place(text: str) -> Outcome:
    """An address line or city: repaired, and in mixed case where it was typed in one case only."""
    clean = repaired(text)
    if clean.casefold() in PLACEHOLDER_NAMES or not clean:
        return refused("PLACEHOLDER")
    return kept(_mixed_case(clean) if clean.islower() or (clean.isupper() and len(clean) > 3) else clean)
