"""The rules on a whole small clinic: they find what was planted, survive bad input, and can fail."""

import datetime as dt

import polars as pl
import pytest

from ennu_lib.catalog import load_catalogue
from ennu_lib.clinic.labels import as_written
from ennu_lib.config import params_dir
from ennu_lib.evidence import Status
from ennu_lib.keys import Keys
from ennu_lib.rules import Tables, load_rules, registry, run_rules
from ennu_lib.rules.labels import load_detection, looked_for, scored
from ennu_lib.rules.mutation import by_rule, kill_rates
from ennu_lib.rules.mutation_plan import load_mutations
from ennu_lib.rules.quarantine import Release, dependents, quarantined, split_released
from tests.support.one_clinic import one_clinic

pytestmark = pytest.mark.slow

FOLDER = params_dir() / "rules"
TODAY = dt.date(2026, 6, 30)
KEYS = Keys("k" * 40)


def tables_of(frames):
    def read(name):
        frame = frames.get(name.removeprefix("source/"))
        return None if frame is None else frame.lazy()

    return Tables(read, TODAY, params_dir())


def as_extracted(frames):
    """The clinic's frames as phase 01 leaves them: moments as text, the key in front."""
    catalogue = load_catalogue(params_dir() / "catalog")
    found = {}
    for name, frame in frames.items():
        table = catalogue.table(name)
        moments = [as_written(frame[c]).alias(c) for c, d in frame.schema.items() if d in (pl.Date, pl.Datetime)]
        key = (
            pl.concat_str(table.primary_key, separator="|")
            if table.primary_key
            else pl.int_range(pl.len()).cast(pl.String)
        )
        found[name] = frame.with_columns(moments).with_columns(__key=key)
    return found


@pytest.fixture(scope="module")
def rules():
    return load_rules(FOLDER)


@pytest.fixture(scope="module")
def clinic():
    return one_clinic(defects=True)


@pytest.fixture(scope="module")
def extracted(clinic):
    return as_extracted(clinic.tables)


@pytest.fixture(scope="module")
def run(extracted, rules):
    detection = load_detection(FOLDER / "detection.yml", set(rules))
    return run_rules(looked_for(rules, detection), tables_of(extracted))


def missed(score, detection):
    """Kinds that miss a target; one row of a kind of a dozen is no miss."""
    lost = pl.col("planted") - pl.col("found")
    few = (lost > (1 - detection.recall) * pl.col("planted")) & ((lost > 1) | (pl.col("planted") > 20))
    return score.filter(few | (pl.col("alarm_share") > detection.false_alarms))["kind"].to_list()


def test_every_rule_gives_a_result(run):
    assert not [id for id, result in run.results.items() if result.status is Status.ERROR]
    assert not [id for id, r in run.results.items() if r.status is Status.NOT_APPLICABLE and r.population]


def test_planted_defects_are_found_and_clean_rows_left_alone(run, clinic, extracted, rules):
    detection = load_detection(FOLDER / "detection.yml", set(rules))
    assert missed(scored(run.issues, clinic.labels, tables_of(extracted), detection), detection) == []


@pytest.mark.parametrize("seed", [5, 77])
def test_the_targets_hold_in_small_clinics_of_other_seeds(seed, rules):
    detection = load_detection(FOLDER / "detection.yml", set(rules))
    small = one_clinic(150, seed, defects=True)
    tables = tables_of(as_extracted(small.tables))
    looking = set(detection.detectors()["rule"])
    run = run_rules([rule for rule in rules.values() if rule.id in looking], tables)
    assert missed(scored(run.issues, small.labels, tables, detection), detection) == []


def test_planted_mutations_are_killed_and_a_blind_rule_is_noticed(extracted, rules, monkeypatch):
    plan = load_mutations(FOLDER / "mutations.yml", rules)
    few = {id: rules[id] for id in ("PAT-06", "FIN-01", "FIN-14", "CLN-10")}
    rates = by_rule(kill_rates(tables_of(extracted), few, plan, "source", seed=7))
    assert rates["rate"].to_list() == [1.0, 1.0, 1.0, 1.0]

    def sees_nothing(tables, settings):
        return [registry.Look("patients", tables("patients", "last_name"), {("last_name", "NONE"): pl.lit(False)})]

    monkeypatch.setitem(registry.CHECKS, "PAT-06", sees_nothing)
    blind = by_rule(kill_rates(tables_of(extracted), few, plan, "source", seed=7))
    assert blind.filter(pl.col("rule") == "PAT-06")["rate"].item() == 0.0


def test_quarantine_takes_dependents_along_and_a_release_lets_out(run, extracted, rules):
    held = quarantined(run.issues, rules, KEYS)
    assert held.height and held["reference"].str.contains("^[0-9a-f]{32}$").all()
    first = held.row(0, named=True)
    release = Release(
        row=first["reference"], rule=first["rule"], who="director", why="confirmed by letter", released=TODAY
    )
    kept, released = split_released(held, [release])
    assert (kept.height, released.height) == (held.height - 1, 1)
    orders = pl.DataFrame({"table": ["lab_orders"], "key": [extracted["lab_results"]["lab_order_id"].cast(str)[0]]})
    depending = dependents(orders, tables_of(extracted), 2)
    assert {"lab_results", "lab_reports"} <= set(depending["table"])


BAD = ["\x00", "‮txet", "x" * 65_536, "\ud7ff", "", " ", "0000-00-00", "1e999", "-", "NaN"]


@pytest.mark.parametrize("kind", ["empty", "text", "numbers", "gone"])
def test_bad_input_is_reported_and_never_a_crash(kind, extracted, rules):
    small = {name: frame.head(20).select(pl.exclude(pl.Binary)) for name, frame in extracted.items()}
    keep = pl.exclude("__key")
    made = {
        "empty": {name: frame.clear() for name, frame in small.items()},
        "text": {
            name: frame.with_columns(keep.cast(pl.String)).with_columns(
                pl.when(pl.lit(True)).then(pl.lit(BAD[n % len(BAD)])).alias(c)
                for n, c in enumerate(frame.columns)
                if c != "__key"
            )
            for name, frame in small.items()
        },
        "numbers": {
            name: frame.with_columns(pl.lit(7).alias(c) for c in frame.columns if c != "__key")
            for name, frame in small.items()
        },
        "gone": {"patients": small["patients"].select("__key", "patient_id")},
    }[kind]
    found = run_rules([r for r in rules.values() if r.moment == "source"], tables_of(made))
    assert [id for id, r in found.results.items() if r.status is Status.ERROR] == []
    assert len(found.results) == sum(r.moment == "source" for r in rules.values())
