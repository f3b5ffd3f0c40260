import polars as pl
import pytest

from ennu_lib.identity.standard import STANDARD

CASES = {
    "first_name": [
        ("  José ", "jose"), ("O'Brien", "obrien"), ("Dr. Anna-Maria", "anna maria"), ("Łukasz", "lukasz"),
        ("李明", "李明"), ("Robert 2", "robert"), ("--", None),
    ],
    "last_name": [("Smith, Jr.", "smith"), ("Garcia-Lopez", "garcia lopez"), ("Straße", "strasse"), ("Ii", "ii")],
    "suffix": [("Jr.", "jr"), ("Junior", "jr"), ("III", "iii"), ("2nd", "ii"), ("see chart", None)],
    "birth_date": [
        ("1980-02-03", "19800203"), ("02/03/1980", "19800203"), ("3.2.1980", "19800203"), ("19800203", "19800203"),
        ("03-Feb-1980", "19800203"), ("1980-02-03T00:00:00", "19800203"), ("1980-13-03", "19801303"),
        ("0000-00-00", None), ("soon", None),
    ],
    "sex": [("Male", "m"), ("F", "f"), ("woman", "f"), ("X", "x"), ("U", None), ("1", None)],
    "street": [
        ("123 North Main Street, Apt 4", "123 n main st"), ("123 N. MAIN ST", "123 n main st"),
        ("9 Oak Avenue #12", "9 oak ave"), ("P.O. Box 12", "po box 12"), ("-", None),
    ],
    "zip": [("02139-1234", "02139"), ("2139", "02139"), ("none", None)],
    "phone": [("+1 (555) 123-4567 x89", "5551234567"), ("555.123.4567", "5551234567"), ("12345", None)],
    "email": [
        (" Ann.Lee+news@GoogleMail.com", "annlee@gmail.com"), ("a.b@x.org", "a.b@x.org"), ("noemail@", None),
    ],
    "ssn": [("123-45-6789", "123456789"), ("xxx-xx-6789", None), ("6789", None)],
    "member_number": [("mbr-00017", "MBR00017"), ("0017", "17"), ("--", None)],
}  # fmt: skip


@pytest.mark.parametrize(("field", "raw", "wanted"), [(f, r, w) for f, cases in CASES.items() for r, w in cases])
def test_standard_form(field, raw, wanted):
    assert pl.DataFrame({"raw": [raw]}).select(STANDARD[field](pl.col("raw"))).item() == wanted
