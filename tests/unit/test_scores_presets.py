"""Preset files: unknown keys are refused, and every mistake is named."""

import copy
from fractions import Fraction

import pytest
import yaml

from ennu_lib.catalog.biomarkers import load_biomarkers
from ennu_lib.config import params_dir
from ennu_lib.errors import ConfigurationError
from ennu_lib.scores.formula import compile_formula
from ennu_lib.scores.preset import load_preset, load_presets
from ennu_lib.scores.reasons import Reason
from ennu_lib.scores.subscore import linear
from tests.support.score_params import BINARY, CATALOGUE, GRADED, PRESETS, UNIT_ALIASES, biomarker_rows, write_rows

RAW = {name: yaml.safe_load((params_dir() / "scores" / f"{name}.yml").read_text()) for name in PRESETS}


def refused(tmp_path, name, change):
    data = copy.deepcopy(RAW[name])
    change(data)
    path = tmp_path / f"{name}.yml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_preset(path, CATALOGUE)
    return caught.value.mistakes


def test_there_are_two_presets():
    assert sorted(PRESETS) == ["hs-graded-v1", "hs-legacy-binary-2016"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.update(colour="red"), "colour: unknown key"),
        (lambda d: d["freshness"]["default"].update(full_days=400), "must not exceed half_days"),
        (lambda d: d["freshness"]["default"].update(half_days=None), "give both"),
        (lambda d: d["freshness"].update(metrics={"lpa": d["freshness"]["default"]}), "'lpa' is no metric"),
        (lambda d: d["freshness"].update(categories={"Vital": d["freshness"]["default"]}), "'Vital' is no category"),
        (lambda d: d["context"].update(fasting=["sugar"]), "context.fasting: 'sugar'"),
        (lambda d: d["context"]["morning"].update(to="25:00"), "context.morning.to"),
        (lambda d: d.update(required_categories=["Hormone"]), "required_categories"),
        (lambda d: d.update(coverage_min=0.9), "coverage_min must not exceed"),
        (lambda d: d.update(coverage_min=1.1), "coverage_min"),
        (lambda d: d["significance_factor"].pop("moderate"), "significance_factor"),
        (lambda d: d["significance_factor"].update(moderate=0), "significance_factor.moderate"),
        (lambda d: d["bands"].reverse(), "bands must descend"),
        (lambda d: d["bands"].pop(), "end at 0"),
        (lambda d: d.update(weight_source="per_gender_weights"), "per_gender_weights is required"),
        (lambda d: d.update(rounding="ROUND_HALF_EVEN"), "rounding"),
        (lambda d: d.update(name="other"), "must be the name of the file"),
    ],
)
def test_a_mistake_in_a_graded_preset_is_named(tmp_path, change, says):
    found = refused(tmp_path, "hs-graded-v1", change)
    assert any(says in mistake for mistake in found), found


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d["per_gender_weights"]["male"]["hba1c"].update(w=13), "weights of male sum to 101"),
        (lambda d: d["per_gender_weights"]["female"]["waist"].update(lo=40), "lo must not exceed hi"),
        (lambda d: d["per_gender_weights"]["female"]["waist"].update(w=-5), "per_gender_weights.female.waist.w"),
        (lambda d: d["per_gender_weights"].update(other={}), "per_gender_weights.other"),
        (lambda d: d.update(extra_loinc={"1988-5": "crp"}), "extra_loinc: 'crp'"),
    ],
)
def test_a_mistake_in_a_binary_preset_is_named(tmp_path, change, says):
    found = refused(tmp_path, "hs-legacy-binary-2016", change)
    assert any(says in mistake for mistake in found), found


def test_all_mistakes_are_reported_at_once(tmp_path):
    def change(data):
        data.update(colour="red", decimals=9, min_metrics=0)
        data["freshness"]["default"] = {"full_days": 400, "half_days": 365}

    assert len(refused(tmp_path, "hs-graded-v1", change)) == 4


def test_mistakes_of_several_files_are_reported_together(tmp_path):
    for name in ("hs-a", "hs-b"):
        (tmp_path / f"{name}.yml").write_text(f"name: {name}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_presets(tmp_path, CATALOGUE)
    assert {mistake.split(":")[0] for mistake in caught.value.mistakes} == {"hs-a.yml", "hs-b.yml"}


def test_an_edited_preset_has_another_version():
    edited = GRADED.varied(min_metrics=9)
    assert edited.digest != GRADED.digest and edited != GRADED
    assert compile_formula(edited, CATALOGUE).version != compile_formula(GRADED, CATALOGUE).version
    assert compile_formula(GRADED, CATALOGUE) is compile_formula(GRADED.varied(), CATALOGUE)


def test_applicable_weights_are_those_of_the_definition():
    weights = compile_formula(GRADED, CATALOGUE).applicable_weight
    assert weights == {"male": Fraction("112.75"), "female": Fraction("112.75"), "neutral": Fraction("113.75")}
    binary = compile_formula(BINARY, CATALOGUE)
    assert binary.applicable_weight == {"male": 100, "female": 100, "neutral": 0}
    assert binary.rules["neutral", "hba1c"].reason is Reason.GENDER_REQUIRED
    assert binary.rules["male", "progesterone"].reason is Reason.NOT_APPLICABLE


def test_weights_that_cannot_be_stored_exactly_are_refused():
    factors = {"critical": "1.0000001", "significant": "1", "moderate": "1"}
    with pytest.raises(ConfigurationError, match="decimals"):
        compile_formula(GRADED.varied(significance_factor=factors), CATALOGUE)


def test_without_zero_points_in_the_table_the_span_of_the_preset_sets_them(tmp_path):
    table = [{k: v for k, v in row.items() if not k.startswith("zero_")} for row in biomarker_rows()]
    catalogue = load_biomarkers(write_rows(tmp_path / "biomarkers.csv", table), UNIT_ALIASES)
    formula = compile_formula(GRADED, catalogue)

    def zero(code, value):
        return linear(formula.rules["male", code].target, Fraction(value))

    assert [zero("ldl_c", v) for v in (100, 125, 150)] == [100, 50, 0]
    assert [zero("egfr", v) for v in (90, 45)] == [100, 0]
    assert [zero("total_testosterone", v) for v in (450, 525, 600, 900, 1050)] == [0, 50, 100, 100, 0]
