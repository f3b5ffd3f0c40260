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
        "LA TOYA": "La Toya", "mary van der meer": "Mary van der Meer", "İBRAHİM": "İbrahim", "ADÉỌLÁ": "Adéọlá",
        "Ann\nLee": "Ann Lee", "O'BRIEN-SMITH III": "O'Brien-Smith III",
    },
    "family_name": {"VAN DER BERG": "van der Berg", "VON": "Von", "de la cruz": "de la Cruz", "LE": "Le"},
    "suffix": {"jr.": "Jr", "Junior": "Jr", "3rd": "III", "N/A": None, "MD": LEFT, ", Jr.": "Jr"},
    "phone": {
        "813-867-5309 (cell)": "+18138675309", "813-867-5309 home": "+18138675309", "1-800-FLOWERS": "+18003569377",
        "555-0100 ext 12": None, "+1 813 867 5309;ext=12": "+18138675309", "813-867-5309 or 813-867-5310": None,
        "(813) 867-5309": "+18138675309", "813.867.5309 x12": "+18138675309", "+44 20 7946 0958": "+442079460958",
        "555-0123": None, "(212) 555-0123": None, "0000000000": None, "1234567890": None, "213-911-1234": None,
        "call me": None,
    },
    "email": {
        " Ann.Lee@Example.ORG ": "ann.lee@example.org", "ann @x.org": "ann@x.org", "ann@@x.org": "ann@x.org",
        "ann@x..org": "ann@x.org", "ann@x,org": "ann@x.org", "none@none.com": None, "a@b": None, "@x.com": None,
        "ann@gmial.com": None, "annx.org": None,
        "Ann Lee <Ann@x.org>": "ann@x.org", "ann@x.org.": "ann@x.org", "MAILTO:ann@x.org": "ann@x.org",
        f"{'a' * 65}@x.org": None, "ann@münchen.de": "ann@xn--mnchen-3ya.de", "ñandú@x.org": None, "ann@x.y": None,
    },
    "sex": {"M": "male", "0": "male", "woman": "female", "X": "other", "3": None, "m.": "male", "UNK": "unknown"},
    "language": {"SPA": "Spanish", "english": "English", "Klingon": LEFT, "none": None, "es-MX": "Spanish",
        "en_US": "English",
        "xx-YY": LEFT},
    "state": {"Florida": "FL", "f.l.": "FL", "XX": None, "AE": "AE", "American Samoa": "AS",
        "Washington, D.C.": "DC", "N. Carolina": "NC", "Tenn.": "TN"},
    "zip": {"33602": "33602", "2139": "02139", "336021234": "33602-1234", "33602-": "33602", "none": None,
        "33602.0": "33602", "33602-12": None},
    "place": {"TAMPA": "Tampa", "st. petersburg": "St. Petersburg", "NYC": "NYC", "n/a": None,
        "EL PASO": "El Paso", "la jolla": "La Jolla", "KING OF PRUSSIA": "King of Prussia",
        "FOND DU LAC": "Fond du Lac"},
    "street": {
        "123 North Main Street, Apartment 4": "123 N Main St Apt 4", "9 OAK AVENUE #12B": "9 Oak Ave # 12B",
        "P.O. Box 12": "PO Box 12", "1 North St": "1 North St", "55 Saint James Court": "55 Saint James Ct",
        "123 NE 5TH AVE": "123 NE 5th Ave", "1 Main Street Apt #4": "1 Main St Apt 4",
        "post office box 9": "PO Box 9",
        "9 Elm Ave. N.W.": "9 Elm Ave NW", "APARTMENT 4b": "Apt 4B", "1 Main Street\nApt 4": "1 Main St Apt 4",
        "7 Quail Crossing": "7 Quail Xing", "9 OLD US HIGHWAY 41": "9 Old US Hwy 41", "12 Floor": "12 Fl",
    },
    "date": {
        "03/14/62": "1962-03-14", "14-Mar-1962": "1962-03-14", "25/12/2020": "2020-12-25", "07/01/27": "2027-07-01",
        "12/31/9999": None, "99991231": None, "2079-06-06 23:59:00": None, "19000101": None, "1/1/1753": None,
        "00/00/0000": None, "2020-13-40": None, "soon": None,
        "02/29/2023": None, "02/29/2024": "2024-02-29", "1/2/03": "2003-01-02", "14MAR1962": "1962-03-14",
        "20200630114500": "2020-06-30",
    },
    "birth_date": {"06/15/25": "1925-06-15", "2030-01-01": None, "1900-05-05": None, "02/29/2001": None},
    "moment": {
        "3/4/2020 5:06 PM": "2020-03-04 17:06:00", "2020-01-01T10:00:00+05:00": "2020-01-01T05:00:00Z",
        "2020-01-01": "2020-01-01", "2020-01-01 25:00:00": None,
        "2020-01-01 10:00:00.250000": "2020-01-01 10:00:00.250000",
        "2020-01-01T10:00:00.25Z": "2020-01-01T10:00:00.250000Z", "2020-01-01 10:00 EST": "2020-01-01T15:00:00Z",
        "20200630114500-0400": "2020-06-30T15:45:00Z", "202006301145": "2020-06-30 11:45:00",
        "1/2/2020 5:06 p.m.": "2020-01-02 17:06:00", "2020-01-01 10:00 XST": None,
        "2025-03-09 02:30": "2025-03-09 02:30:00",
    },
    "clock": {"9:05": "09:05:00", "5:06 PM": "17:06:00", "838:59:59": None, "12:30 A.M.": "00:30:00"},
    "words": {" see  me ": "see me", "N/A": None, "": None, "Patientâ€™s": "Patient’s", "None": None, "a\tb": "a b",
        "one\r\ntwo": "one two"},
    "line": {" Na ": "Na", "N/A": "N/A", " ": None},
    "prose": {"one\n\ntwo ": "one\n\ntwo", "a\x00b": "ab", "see chart": None},
    "spelling": {"ACTIVE ": "Active", "on  HOLD": "On hold", "unknown": None, "New": "New"},
    "diagnosis": {"e291": "E29.1", "i10 ": "I10", "250.00": "250.00", "v7651": "V76.51", "CUSTOM1": LEFT,
        "E849": LEFT, "E849.9": "E849.9", "-": None, "U071": "U07.1", "M1A9XX0": "M1A.9XX0"},
    "diagnoses": {"e291, r5383": "E29.1, R53.83", "E29.1;I10": "E29.1;I10", "E29.1, what": LEFT},
    "procedure": {" j1071": "J1071", "99214": "99214", "office": LEFT, "99214-25": "99214-25", "99214 25": "99214-25",
        "99214-25-59": "99214-25-59", "992141": LEFT},
    "loinc": {"29868": "2986-8", "2986-8 ": "2986-8", "2986-7": LEFT, "2986–8": "2986-8", "00": LEFT},
    "value": {
        "98 H": "98", " 98 ": "98", "= 98": "98", "98*": "98", "1,250": "1250", "< 0.15": "<0.15", "≥3": ">=3",
        "-1": "-1", ".5": "0.5", "QNS": LEFT, "120/80": LEFT,
        "<=5": "<=5", "≤ 5": "<=5", "98H": "98", "98 (HH)": "98", "1,234.50": "1234.50", "12,5": LEFT, "1e3": LEFT,
    },
    "amount": {"$1,234.5": "1234.50", "(12.00)": "-12.00", "USD 5": "5.00", "1e5": LEFT, "": None,
        "$(45.00)": "-45.00", "45.00-": "-45.00",
        "US$45": "45.00", "45.": "45.00", "--5": LEFT, "1,23": LEFT, ".": LEFT},
    "minutes": {"45": "45", "2700": "45", "500": LEFT, "long": LEFT, "2700.0": "45.0", "45.0": "45.0"},
    "unit": {"NG/DL": "ng/dL", "μg/dL": "ug/dL", "mgs": LEFT, " ": None, "µg/dL": "ug/dL", "mg/dl ": "mg/dL",
        "K/μL": "10*3/uL",
        "10^3/µL": "10*3/uL", "IU/mL": "[IU]/mL", "Mg/dL": LEFT},
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
