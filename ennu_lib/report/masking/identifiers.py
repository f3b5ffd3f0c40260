"""Columns that identify a person never enter a table of the report, whatever they hold."""

from __future__ import annotations

import re

import polars as pl

from ennu_lib.errors import GateFailed
from ennu_lib.report.masking.personal_data import scan

IDENTIFYING = frozenset(
    {
        "firstname",
        "middlename",
        "lastname",
        "surname",
        "givenname",
        "familyname",
        "maidenname",
        "preferredname",
        "fullname",
        "patientname",
        "email",
        "emailaddress",
        "phone",
        "phonenumber",
        "homephone",
        "workphone",
        "mobile",
        "mobilephone",
        "cellphone",
        "fax",
        "dob",
        "dateofbirth",
        "birthdate",
        "birthday",
        "ssn",
        "socialsecuritynumber",
        "mrn",
        "medicalrecordnumber",
        "patientid",
        "memberid",
        "address",
        "address1",
        "address2",
        "addressline1",
        "addressline2",
        "street",
        "streetaddress",
        "zip",
        "zipcode",
        "postalcode",
        "ipaddress",
    }
)


# The classes of the audit that are identifiers: those of 45 CFR 164.514(b)(2)(i), as `audit.classes` names them.
TELLING = frozenset(
    {
        "names", "geographic", "dates", "telephone", "fax", "email", "social_security_number", "medical_record_number",
        "health_plan_number", "account_number", "certificate_license", "vehicle", "device", "url", "ip_address",
        "biometric", "photo", "other_unique",
    }
)  # fmt: skip
RECORD_NUMBERS = "medical_record_number"
# A shorter name (`to`, `user`) is a word of any table.
LEAST_LETTERS = 5
_learned: set[str] = set()
_numbers: set[str] = set()


def learn_identifiers(classes: pl.DataFrame) -> None:
    """From now on refuse text columns named like those that the audit classed as identifying (columns column, class).

    Whole numbers are refused under the name of a record's number, too. A name that another table uses for something
    harmless is left out: in a report it means that other thing.
    """
    telling = classes.filter(pl.col("class").is_in(list(TELLING)))["column"].unique()
    harmless = {_plain(name) for name in classes.filter(~pl.col("class").is_in(list(TELLING)))["column"].unique()}
    names = {_plain(name) for name in telling}
    numbers = {_plain(name) for name in classes.filter(pl.col("class") == RECORD_NUMBERS)["column"].unique()}
    _learned.clear()
    _learned.update(name for name in names - harmless if len(name) >= LEAST_LETTERS)
    _numbers.clear()
    _numbers.update(_learned & numbers)


def refuse_identifiers(frame: pl.DataFrame, where: str) -> None:
    """Refuse a frame that looks like patient records instead of counts about them.

    A text or date column with an identifying name is refused, and so is a text that has the shape of an email address,
    a phone number, a social security number or a date of birth. A column of numbers may have any name, since a
    completeness per field is one, but for whole numbers under the name of a record's number. Raises GateFailed, naming
    the columns and never a value.
    """
    named = [c for c in frame.columns if _is_named(c, frame[c].dtype)]
    shaped = [c for c in frame.columns if c not in named and _holds_personal_data(frame[c])]
    if named or shaped:
        columns = ", ".join(f"`{c}`" for c in [*named, *shaped])
        raise GateFailed(f"{where}: {columns} would show persons; aggregate, or leave the column out")


def _is_named(column: str, dtype: pl.DataType) -> bool:
    name = _plain(column)
    return name in _numbers if dtype.is_integer() else name in IDENTIFYING | _learned and not _counts(dtype)


def _counts(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype in (pl.Boolean, pl.Null)


def _holds_personal_data(values: pl.Series) -> bool:
    if _counts(values.dtype) or values.dtype.is_temporal():
        return False
    return bool(scan("\n".join(map(str, values.drop_nulls().to_list()))))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
