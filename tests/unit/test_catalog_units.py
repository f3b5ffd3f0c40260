"""Unit spellings and conversions."""

from fractions import Fraction

import pytest

from ennu_lib.catalog.units import load_unit_aliases, parse_conversions
from ennu_lib.config import params_dir
from ennu_lib.errors import ConfigurationError

ALIASES = load_unit_aliases(params_dir() / "clinical" / "unit_aliases.csv")


@pytest.mark.parametrize(
    ("text", "metric", "ucum"),
    [
        ("ng/dl", "total_testosterone", "ng/dL"),
        ("µg/dL", "dhea_s", "ug/dL"),
        ("μg/dL", "dhea_s", "ug/dL"),
        ("  mm   Hg ", "sbp", "mm[Hg]"),
        ('"', "waist", "[in_i]"),
        ("IU/L", "alt", "U/L"),
        ("IU/L", "lh", "[IU]/L"),
        ("m[IU]/L", "tsh", "m[IU]/L"),
        ("Ng/Dl", "total_testosterone", None),
        ("furlong", "apob", None),
        ("", "apob", None),
    ],
)
def test_a_spelling_is_looked_up_exactly_and_in_its_context(text, metric, ucum):
    assert ALIASES.resolve(text, metric) == ucum


def test_conversions_are_exact():
    rules = parse_conversions("mmol/L=18.0156;mmol/mol=0.09148x+2.152;m[IU]/L=0.0471698~;mg/dL=NOT_CONVERTIBLE;ug/L=1")
    assert rules["mmol/L"](Fraction("5.5")) == Fraction("99.0858")
    assert rules["mmol/mol"](Fraction(41)) == Fraction("5.90268")
    assert rules["m[IU]/L"].approximate and not rules["mmol/L"].approximate
    assert rules["mg/dL"] is None
    assert rules["ug/L"].is_identity and not rules["mmol/mol"].is_identity


def test_a_unit_may_hold_braces_and_no_alternatives_are_none():
    assert parse_conversions("mg/dL{urea}=0.4665")["mg/dL{urea}"].factor == Fraction("0.4665")
    assert parse_conversions("") == {}


def test_every_wrong_conversion_is_named():
    with pytest.raises(ValueError) as caught:
        parse_conversions("mmol/L=abc;ng/mL=10;ng/mL=11;=3;g/L=0;g/dL=-1")
    assert all(wrong in str(caught.value) for wrong in ("mmol/L=abc", "ng/mL=11", "=3", "g/L=0", "g/dL=-1"))


def aliases(tmp_path, *lines):
    path = tmp_path / "units.csv"
    path.write_text("\n".join(["legacy_unit_text,ucum,rule", *lines]), encoding="utf-8")
    return path


def test_every_mistake_of_the_spelling_table_is_reported_with_its_line(tmp_path):
    path = aliases(tmp_path, "mg,mg,exact", "mg,g,exact", ",mg,exact", "ug,ug,guess", "ug,ug,codepoint U+00B5")
    with pytest.raises(ConfigurationError) as caught:
        load_unit_aliases(path)
    assert [mistake.split(":")[0] for mistake in caught.value.mistakes] == ["line 3", "line 4", "line 5", "line 6"]


@pytest.mark.parametrize("header", ["legacy_unit_text,ucum", "legacy_unit_text,ucum,rule,extra", "ucum,ucum,rule"])
def test_a_wrong_header_is_refused(tmp_path, header):
    path = tmp_path / "units.csv"
    path.write_text(header + "\n", encoding="utf-8")
    with pytest.raises(ConfigurationError):
        load_unit_aliases(path)


def test_a_missing_file_is_refused_with_a_cure(tmp_path):
    with pytest.raises(ConfigurationError, match="check the path"):
        load_unit_aliases(tmp_path / "nowhere.csv")
