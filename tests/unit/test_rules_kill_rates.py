"""Rules of phases 04 and 08 prove that they can fail; what cannot be tried says so; a small sample is no crash."""

import datetime as dt
from types import SimpleNamespace

import polars as pl
import pytest

import ennu_lib.rules.findings as found_in
from ennu_lib.config import params_dir
from ennu_lib.evidence import Status
from ennu_lib.keys import Keys
from ennu_lib.quality.remediation import Remediation, load_remediation, outcomes
from ennu_lib.rules import Tables, amber, kill_findings, load_rules, registry, rule_findings, run_rules, survivors
from ennu_lib.rules.mutation import NO_ROW, NOTHING_COUNTED, by_rule, kill_rates
from ennu_lib.rules.mutation_plan import Mutation, load_mutations
from ennu_lib.rules.quarantine import QUARANTINED

FOLDER = params_dir() / "rules"
RULES = load_rules(FOLDER)
TODAY = dt.date(2026, 6, 30)
PLAN = load_mutations(FOLDER / "mutations.yml", RULES)


def files(patients: int) -> dict[str, pl.DataFrame]:
    """What PAT-01, PAT-02, GEN-02 and GEN-08 read: every patient a Contact, but the last, who is the first again."""
    ids = [str(n) for n in range(1, patients + 1)]
    own = ids[:-1] if patients > 1 else ids
    accounts = pl.DataFrame({"key": ids, "account": ["loaded"] * len(ids)})
    aliases = pl.Series([f"P-{ids[-1]}" if key == "1" and patients > 1 else None for key in own], dtype=pl.String)
    return {
        "source/patients": pl.DataFrame({"__key": ids, "patient_id": [int(key) for key in ids]}),
        "identity/members": pl.DataFrame({"patient_id": ids, "golden_id": [*own, "1"][:patients]}),
        "mapped/patients": pl.DataFrame({"__key": own, "__account": ["loaded"] * len(own)}),
        "targets/contacts": pl.DataFrame(
            {"legacy_patient_id": [f"P-{key}" for key in own], "legacy_patient_id_aliases": aliases}
        ),
        "accounts/patients": accounts,
        "clean/issues": pl.DataFrame(
            {"rule": "PAT-03", "table": "patients", "column": "gender", "reason": ["MISSING"]}
        ),
    }


def tables_of(frames: dict[str, pl.DataFrame]) -> Tables:
    return Tables(lambda name: frames[name].lazy() if name in frames else None, TODAY, params_dir())


def rates_of(frames, plan=PLAN):
    return by_rule(kill_rates(tables_of(frames), RULES, plan, "mapped", seed=7))


def test_the_rules_of_phase_04_find_what_is_planted_and_untried_ones_say_why():
    rates = {row["rule"]: row for row in rates_of(files(60)).iter_rows(named=True)}
    for rule, planted in (("PAT-01", 9), ("PAT-02", 6), ("GEN-02", 2), ("GEN-08", 1)):
        assert (rates[rule]["planted"], rates[rule]["rate"], rates[rule]["survivors"]) == (planted, 1.0, "")
    assert (rates["FIN-07"]["planted"], rates["FIN-07"]["rate"]) == (0, None)
    assert rates["FIN-07"]["not_tried"] == NOTHING_COUNTED


@pytest.mark.parametrize("patients", [1, 2, 5])
def test_few_patients_are_no_crash_and_what_is_planted_is_found(patients):
    rates = rates_of(files(patients))
    assert rates.filter(pl.col("rate") < 1).is_empty()
    assert set(rates["rule"]) == {id for id, rule in RULES.items() if rule.moment == "mapped"}


def test_a_sample_without_a_row_to_plant_into_is_not_applicable_and_is_listed():
    only = Mutation(rule="PAT-02", what="x", file="targets/contacts", column="nowhere", how="blank")
    plan = PLAN.model_copy(update={"mutations": [only]})
    rates = rates_of(files(30), plan)
    assert rates.filter(pl.col("rule") == "PAT-02")["not_tried"].item() == NO_ROW
    shown = dict(survivors(rates).select("rule", "survivors").iter_rows())
    assert shown["PAT-02"] == f"not applicable: {NO_ROW}"
    each = kill_findings(rates, plan, "mapped")[1]
    assert (each.id, each.status, each.denominator) == ("MAP-92", Status.NOT_APPLICABLE, 0)
    assert "PAT-02" in each.note


def test_a_blind_rule_that_passes_is_amber(monkeypatch):
    def blind(tables, settings):
        frame = tables.file("targets/contacts", "legacy_patient_id").with_columns(__key=pl.col("legacy_patient_id"))
        return [registry.Look("contacts", frame, {("legacy_patient_id", "NEVER"): pl.lit(False)})]

    monkeypatch.setitem(registry.CHECKS, "PAT-02", blind)
    frames = files(60)
    run = run_rules([RULES["PAT-02"]], tables_of(frames))
    found = rule_findings(run, run.issues.with_columns(reference=pl.lit("")), "issues/04_mapping")
    assert found[0].status is Status.PASS
    shown = amber(found, rates_of(frames), PLAN)
    assert shown[0].status is Status.PASS_WITH_EXCEPTIONS
    assert "too few" in shown[0].note


def shown(findings, rule):
    one = next(finding for finding in findings if finding.id == rule)
    return one.status, "too few" in one.note


def test_the_pages_of_phases_04_and_08_show_a_blind_rule_amber(monkeypatch):
    def blind(tables, settings):
        frame = tables.file("targets/contacts", "legacy_patient_id").with_columns(__key=pl.col("legacy_patient_id"))
        return [registry.Look("contacts", frame, {("legacy_patient_id", "NEVER"): pl.lit(False)})]

    monkeypatch.setattr(found_in, "workspace_tables", lambda *_, **__: tables_of(files(60)))
    phase = SimpleNamespace(
        workspace=None, params=SimpleNamespace(today=TODAY), keys=Keys("k" * 40), write=lambda *_: None
    )
    assert shown(found_in.later_rules(phase, "mapped").findings, "PAT-02") == (Status.PASS, False)
    monkeypatch.setitem(registry.CHECKS, "PAT-02", blind)
    seen = shown(found_in.later_rules(phase, "mapped").findings, "PAT-02")
    assert seen == (Status.PASS_WITH_EXCEPTIONS, True)


def test_the_page_of_phase_02_shows_a_blind_rule_amber(monkeypatch):
    keys = [str(n) for n in range(60)]
    people = pl.DataFrame({"__key": keys, "patient_id": keys, "last_name": "Lee", "patient_status": "active"})

    def blind(tables, settings):
        return [registry.Look("patients", tables("patients", "last_name"), {("last_name", "NEVER"): pl.lit(False)})]

    def of_phase_02():
        tables = tables_of({"source/patients": people})
        run = run_rules([RULES["PAT-06"]], tables)
        none = pl.DataFrame(schema=QUARANTINED)
        issues = run.issues.with_columns(reference=pl.lit(""))
        params = load_remediation(FOLDER / "remediation.yml")
        return outcomes(Remediation(RULES, params, run, tables, issues, none, none, none, [], 0))

    assert shown(of_phase_02().findings, "PAT-06") == (Status.PASS, False)
    monkeypatch.setitem(registry.CHECKS, "PAT-06", blind)
    assert shown(of_phase_02().findings, "PAT-06") == (Status.PASS_WITH_EXCEPTIONS, True)


def test_a_defect_everywhere_is_not_killed_by_what_other_defects_made():
    lost = Mutation(
        rule="PAT-01", what="lost", file="targets/contacts", column="legacy_patient_id", how="drop", times=2,
        row_id="legacy_patient_id", prefix="P-", named="patients",
    )  # fmt: skip
    unseen = Mutation(
        rule="PAT-01", what="unseen", file="mapped/patients", column="__account", how="set", value="loaded",
        everywhere=True,
    )  # fmt: skip
    found = rates_of(files(60), PLAN.model_copy(update={"mutations": [lost, unseen]}))
    assert found.filter(pl.col("rule") == "PAT-01").select("planted", "killed", "survivors").row(0) == (3, 2, "unseen")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("nothing but counts: 12 of 3456789012", None),
        ("call 813-229-1234", "PHONE"),
        ("maria@lopez.net", "EMAIL"),
        ('{"dob": "1961-05-04"}', "DATE_OF_BIRTH"),
        ("078-05-1120", "SOCIAL_SECURITY_NUMBER"),
    ],
)
def test_what_the_run_has_written_is_searched_for_personal_data(text, kind):
    tables = tables_of(files(5))
    tables.texts = lambda: [("evidence/01_audit.json", "{}"), ("worklists/billing.csv", text)]
    run = run_rules([RULES["GEN-08"]], tables)
    assert run.results["GEN-08"].status is (Status.FAIL if kind else Status.PASS)
    found = run.issues.select("table", "key", "reason").rows()
    assert found == ([("written texts", "worklists/billing.csv", kind)] if kind else [])
