"""Telephone numbers and e-mail addresses."""

from __future__ import annotations

import re

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from ennu_lib.quality.standard.forms import Forms
from ennu_lib.quality.standard.outcome import Outcome, kept, refused
from ennu_lib.quality.standard.text import LONGEST_VALUE, repaired
from ennu_lib.rules.checks.contact import MAILBOX

_EXTENSION = re.compile(r"(?i)[;,]?\s*(?:x|extension|extn|ext|#)[.:=]?\s*\d+\s*$")
_LETTERS = re.compile(r"[^\W\d_]+")
_NAMED_ADDRESS = re.compile(r"<([^<>@\s]+@[^<>\s]+)>$")
# Rule PAT-07: what the gate before the load asks of a mailbox.
_MAILBOX = re.compile(MAILBOX)
FIGURES = 10


def phone(text: str, forms: Forms) -> Outcome:
    """A telephone number in E.164 without its extension; numbers without a country are American (rule PAT-08).

    Letters are figures, as in 1-800-FLOWERS, unless there are enough figures without them: 813-867-5309 (cell).
    """
    if len(text) > LONGEST_VALUE:
        return refused("NOT_A_NUMBER")
    bare = _EXTENSION.sub("", text.strip())
    figures = re.sub(r"\D", "", bare)
    if len(set(figures)) <= 1 or figures in ("1234567890", "0123456789"):
        words = repaired(text).casefold()
        return refused("PLACEHOLDER" if figures or words in forms.placeholders else "NOT_A_NUMBER")
    if len(figures) >= FIGURES:
        bare = _LETTERS.sub(" ", bare)
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


def email(text: str, forms: Forms) -> Outcome:
    """An e-mail address in lower case, checked for its form without any network (rule PAT-07).

    A slip that leaves one reading only is mended: a name before <the address>, blanks, a doubled @, a comma or a
    doubled dot in the domain, a dot behind it. A domain of other letters is written as the network has it.
    """
    if len(text) > LONGEST_VALUE:
        return refused("NOT_AN_ADDRESS")
    given = repaired(text)
    named = _NAMED_ADDRESS.search(given)
    clean = (named[1] if named else given).lower().strip("<>;, ").removeprefix("mailto:").replace(" ", "")
    mailbox, _, domain = re.sub("@+", "@", clean).partition("@")
    domain = re.sub(r"\.{2,}", ".", domain.replace(",", ".")).removesuffix(".")
    if mailbox in forms.emails.placeholder_mailboxes or domain in forms.emails.placeholder_domains:
        return refused("PLACEHOLDER")
    if domain in forms.emails.dead_domains:
        return refused("DEAD_DOMAIN")
    try:
        checked = validate_email(
            f"{mailbox}@{domain}", check_deliverability=False, test_environment=True, allow_smtputf8=False, strict=True
        )
    except EmailNotValidError:
        return refused("PLACEHOLDER" if clean in forms.placeholders else "NOT_AN_ADDRESS")
    address = (checked.ascii_email or "").lower()
    return kept(address) if _MAILBOX.fullmatch(address) else refused("NOT_AN_ADDRESS")
