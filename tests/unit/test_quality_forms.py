"""What each kind of value looks like in standard form."""

import datetime as dt

import pytest

from ennu_lib.quality.standard.rules import RULES
from tests.support.standard_forms import standard

LEFT = "left"
CASES = {
    "name": {
        "JOHN O'BRIEN": "John O'Brien", "maria de la cruz": "Maria de la Cruz", "Ã‰lodie": "Élodie", "12": None,
        "van der Berg": "van der Berg", "test": None, "MCDONALD": "McDonald", "SMITH III": "Smith III",
        "JEAN-LUC": "Jean-Luc", "Na": "Na", "NULL": None, "Null": "Null",
    },
    "suffix": {"jr.": "Jr", "Junior": "Jr", "3rd": "III", "N/A": None, "MD": LEFT},
    "phone": {
        "(813) 867-5309": "+18138675309", "813.867.5309 x12": "+18138675309", "+44 20 7946 0958": "+442079460958",
        "555-0123": None, "(212) 555-0123": None, "0000000000": None, "1234567890": None, "213-911-1234": None,
        "call me": None,
    },
    "email": {
        " Ann.Lee@Example.ORG ": "ann.lee@example.org", "ann @x.org": "ann@x.org", "ann@@x.org": "ann@x.org",
        "ann@x..org": "ann@x.org", "ann@x,org": "ann@x.org", "none@none.com": None, "a@b": None, "@x.com": None,
        "ann@gmial.com": None, "annx.org": None,
    },
    "sex": {"M": "male", "0": "male", "woman": "female", "X": "other", "3": None},
    "language": {"SPA": "Spanish", "english": "English", "Klingon": LEFT, "none": None},
    "state": {"Florida": "FL", "f.l.": "FL", "XX": None},
    "zip": {"33602": "33602", "2139": "02139", "336021234": "33602-1234", "33602-": "33602", "none": None},
    "place": {"TAMPA": "Tampa", "st. petersburg": "St. Petersburg", "NYC": "NYC", "n/a": None},
    "street": {
        "123 North Main Street, Apartment 4": "123 N Main St Apt 4", "9 OAK AVENUE #12B": "9 Oak Ave # 12B",
        "P.O. Box 12": "PO Box 12", "1 North St": "1 North St", "55 Saint James Court": "55 Saint James Ct",
    },
    "date": {
        "03/14/62": "1962-03-14", "14-Mar-1962": "1962-03-14", "25/12/2020": "2020-12-25", "07/01/27": "2027-07-01",
        "12/31/9999": None, "99991231": None, "2079-06-06 23:59:00": None, "19000101": None, "1/1/1753": None,
        "00/00/0000": None, "2020-13-40": None, "soon": None,
    },
    "birth_date": {"06/15/25": "1925-06-15", "2030-01-01": None, "1900-05-05": None, "02/29/2001": None},
    "moment": {
        "3/4/2020 5:06 PM": "2020-03-04 17:06:00", "2020-01-01T10:00:00+05:00": "2020-01-01T05:00:00Z",
        "2020-01-01": "2020-01-01", "2020-01-01 25:00:00": None,
        "2020-01-01 10:00:00.250000": "2020-01-01 10:00:00.250000",
    },
    "clock": {"9:05": "09:05:00", "5:06 PM": "17:06:00", "838:59:59": None},
    "words": {" see  me ": "see me", "N/A": None, "": None, "Patientâ€™s": "Patient’s", "None": None},
    "line": {" Na ": "Na", "N/A": "N/A", " ": None},
    "prose": {"one\n\ntwo ": "one\n\ntwo", "a\x00b": "ab", "see chart": None},
    "spelling": {"ACTIVE ": "Active", "on  HOLD": "On hold", "unknown": None, "New": "New"},
    "diagnosis": {"e291": "E29.1", "i10 ": "I10", "250.00": "250.00", "v7651": "V76.51", "CUSTOM1": LEFT,
        "E849": LEFT, "E849.9": "E849.9", "-": None},
    "diagnoses": {"e291, r5383": "E29.1, R53.83", "E29.1;I10": "E29.1;I10", "E29.1, what": LEFT},
    "procedure": {" j1071": "J1071", "99214": "99214", "office": LEFT},
    "loinc": {"29868": "2986-8", "2986-8 ": "2986-8", "2986-7": LEFT},
    "value": {
        "98 H": "98", " 98 ": "98", "= 98": "98", "98*": "98", "1,250": "1250", "< 0.15": "<0.15", "≥3": ">=3",
        "-1": "-1", ".5": "0.5", "QNS": LEFT, "120/80": LEFT,
    },
    "amount": {"$1,234.5": "1234.50", "(12.00)": "-12.00", "USD 5": "5.00", "1e5": LEFT, "": None},
    "minutes": {"45": "45", "2700": "45", "500": LEFT, "long": LEFT},
    "unit": {"NG/DL": "ng/dL", "μg/dL": "ug/dL", "mgs": LEFT, " ": None},
    "dose_unit": {"mcg": "ug", "IU": "[IU]", "tablet": LEFT},
}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "text", "wanted"), [(r, t, w) for r, cases in CASES.items() for t, w in cases.items()]
)
def test_standard_form(rule, text, wanted):
    outcome = standard(rule)(text)
    assert outcome.value == (text if wanted is LEFT else wanted)
    assert bool(outcome.reason) == (wanted is LEFT or wanted is None)


LONG = ["a" * 65_536, "١" * 65_536, "Ã©" * 33_000, " " * 65_536, "\x00" * 65_536, "9" * 65_536, "-" * 65_536]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("text", LONG, ids=lambda text: repr(text[:2]))
def test_a_text_of_64_kilobytes_gives_a_value_or_a_reason(rule, text):
    outcome = standard(rule)(text)
    assert outcome.value is not None or outcome.reason


def test_a_two_digit_birth_year_is_that_of_somebody_old_enough():
    assert standard("birth_date")("01/01/20").value == "1920-01-01"
    assert standard("date")("01/01/20").value == "2020-01-01"


def test_a_day_of_no_calendar_is_no_day():
    assert standard("date")(f"02/30/{dt.date.today().year}").reason == "NOT_A_DATE"
