"""Codes of diagnoses, procedures, tests, sexes and languages. A code in no known form stays as it stands."""

from __future__ import annotations

import re

from ennu_lib.catalog.biomarker import luhn_digit
from ennu_lib.quality.standard.forms import Forms
from ennu_lib.quality.standard.outcome import Outcome, kept, left, refused
from ennu_lib.quality.standard.text import LONGEST_VALUE, repaired

# Rule CLN-09: ICD-10-CM, and ICD-9-CM as it was used for services before October 2015.
_ICD10 = re.compile(r"([A-Z][0-9][0-9A-Z])\.?([0-9A-Z]{1,4})?")
_ICD10_DOTTED = re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?")
_ICD9 = re.compile(r"(?:\d{3}|V\d{2})(?:\.\d{1,2})?|E[89]\d{2}\.\d")
# E849 may be ICD-9's E849 or ICD-10's E84.9: nobody can tell.
_EITHER = re.compile(r"E[89]\d{2}")
# A claim has up to four modifiers behind a code.
_CPT = re.compile(r"(\d{4}[0-9A-Z]|[A-V]\d{4})((?:[- ][0-9A-Z]{2}){0,4})")
_LOINC = re.compile(r"([1-9]\d{0,6})-?(\d)")
_DASHES = str.maketrans("‐‑‒–—−", "------")
_REGION = re.compile(r"([a-z]{2,3})[-_][a-z]{2}")
_SPLIT = re.compile(r"[,;|\s]+")


def sex(text: str, forms: Forms) -> Outcome:
    """male, female, other or unknown."""
    word = repaired(text[:LONGEST_VALUE]).casefold()
    if found := forms.sex_of.get(word) or forms.sex_of.get(word.removesuffix(".")):
        return kept(found)
    return refused("PLACEHOLDER" if word in forms.placeholders else "UNKNOWN_CODE")


def language(text: str, forms: Forms) -> Outcome:
    """The English name of a language, whatever region stands behind its tag; one that the list lacks stays."""
    clean = repaired(text[:LONGEST_VALUE])
    tag = _REGION.fullmatch(clean.casefold())
    if found := forms.language_of.get(tag[1] if tag else clean.casefold()):
        return kept(found)
    if clean.casefold() in forms.placeholders or not clean:
        return refused("PLACEHOLDER")
    return left(text, "UNKNOWN_LANGUAGE")


def diagnosis(text: str, forms: Forms) -> Outcome:
    """An ICD-10-CM code with its dot and in capitals; an ICD-9-CM code keeps its own form."""
    code = _plain(text)
    if _EITHER.fullmatch(code):
        return left(text, "AMBIGUOUS_CODE")
    if _ICD9.fullmatch(code) and not _ICD10_DOTTED.fullmatch(code):
        return kept(code)
    if match := _ICD10.fullmatch(code):
        return kept(f"{match[1]}.{match[2]}" if match[2] else match[1])
    return _not_a_code(text, code, forms)


def diagnoses(text: str, forms: Forms) -> Outcome:
    """Several ICD codes, separated as they were; one that is none leaves the whole as it stands."""
    return _several(text, forms, diagnosis)


def procedure(text: str, forms: Forms) -> Outcome:
    """A CPT or HCPCS code in capitals, its modifiers behind dashes."""
    code = " ".join(text.split()).upper() if len(text) <= LONGEST_VALUE else ""
    match = _CPT.fullmatch(code.replace(" -", "-").replace("- ", "-"))
    return kept(match[1] + match[2].replace(" ", "-")) if match else _not_a_code(text, code, forms)


def procedures(text: str, forms: Forms) -> Outcome:
    """Several procedure codes, separated as they were."""
    return _several(text, forms, procedure)


def loinc(text: str, forms: Forms) -> Outcome:
    """A LOINC code with its dash, when its check digit is right."""
    code = _plain(text).translate(_DASHES)
    match = _LOINC.fullmatch(code)
    if match and code.isascii() and luhn_digit(match[1]) == int(match[2]):
        return kept(f"{match[1]}-{match[2]}")
    return _not_a_code(text, code, forms)


def _several(text: str, forms: Forms, one) -> Outcome:
    parts = [part for part in _SPLIT.split(text[:LONGEST_VALUE]) if part]
    made = [one(part, forms) for part in parts]
    if len(text) <= LONGEST_VALUE and made and not any(outcome.reason for outcome in made):
        between = ";" if ";" in text else ", "
        return kept(between.join(outcome.value or "" for outcome in made))
    return _not_a_code(text, _plain(text), forms)


def _plain(text: str) -> str:
    return re.sub(r"\s", "", text).upper() if len(text) <= LONGEST_VALUE else ""


def _not_a_code(text: str, code: str, forms: Forms) -> Outcome:
    """Placeholders become null; whatever else may be a code of another system stays as it stands."""
    word = repaired(text[:LONGEST_VALUE]).casefold()
    if not word or word in forms.placeholders:
        return refused("PLACEHOLDER")
    return left(text, "NOT_A_CODE")
