"""A clinic whose database holds what nobody expects, in every system: phases 01 and 02 say so and lose no row."""

import polars as pl
import pytest
import sqlalchemy as sa

from ennu_lib.catalog import load_catalogue
from ennu_lib.config import params_dir
from ennu_lib.evidence import Status, open_phase
from ennu_lib.quality import changes_second_time, load_standardize, remediate, standardize_tables
from tests.conftest import KEY
from tests.support.in_process import run_phases
from tests.support.rehearsals import make_rehearsal

pytestmark = pytest.mark.slow

RIGHT_TO_LEFT, LONG = "\u202eمرحبا ", "x" * 65_000
EVERYWHERE = [
    "DELETE FROM patient_aliases",
    f"UPDATE patients SET first_name = '{RIGHT_TO_LEFT}' WHERE patient_id = 1",
    f"UPDATE clinical_notes SET note_text = '{LONG}' WHERE note_id = 1",
    f"UPDATE clinical_notes SET note_text = '{RIGHT_TO_LEFT * 2000}' WHERE note_id = 2",
]
# Bytes that are no text, NUL where the system takes it, and columns of another type than the catalogue says.
BY_SYSTEM = {
    "sqlite": [
        "UPDATE patients SET city = x'fffe4180', middle_name = CAST(x'fffe4180' AS TEXT) WHERE patient_id = 2",
        "UPDATE patients SET last_name = 'a' || char(0) || 'b', gender = 7, zip_code = 3360 WHERE patient_id = 3",
        f"UPDATE lab_results SET collected_at = 'not a moment', test_value = '{LONG}' WHERE result_id = 1",
        "UPDATE encounters SET encounter_date = 12345 WHERE encounter_id = 1",
        "UPDATE billing_records SET service_amount = 'twelve' WHERE billing_id = 1",
    ],
    "mysql": [
        "SET SESSION sql_mode = ''",
        "ALTER TABLE patients MODIFY city varbinary(100), MODIFY zip_code int",
        "UPDATE patients SET city = x'fffe4180' WHERE patient_id = 2",
        "UPDATE patients SET last_name = 'a\\0b' WHERE patient_id = 3",
        "ALTER TABLE lab_results MODIFY test_value double",
        "ALTER TABLE encounters MODIFY encounter_date varchar(60)",
        "UPDATE encounters SET encounter_date = 'half past nine' WHERE encounter_id = 1",
    ],
    "postgresql": [
        "ALTER TABLE patients ALTER city TYPE bytea USING decode('fffe4180', 'hex')",
        "ALTER TABLE patients ALTER zip_code TYPE integer USING 3360",
        "ALTER TABLE patients ALTER portal_enabled TYPE boolean USING true",
        "ALTER TABLE lab_results ALTER test_value TYPE double precision USING 'NaN'",
        "ALTER TABLE encounters ALTER encounter_date TYPE text USING 'half past nine'",
    ],
}


def test_every_row_is_kept_and_every_rule_has_a_result(database_url, tmp_path, monkeypatch):
    rehearsal = make_rehearsal(tmp_path, database_url, patients=12)
    for name, value in {**rehearsal.environment, "ENNU_KEY": KEY}.items():
        monkeypatch.setenv(name, value)
    built = rehearsal.ennu("clinic", "build", "--run", str(rehearsal.run_file), "--replace")
    assert built.returncode == 0, built.stderr
    engine = sa.create_engine(database_url)
    with engine.begin() as database:
        for order in [*EVERYWHERE, *BY_SYSTEM[engine.dialect.name]]:
            changed = database.exec_driver_sql(order).rowcount
            assert changed or not order.startswith("UPDATE")
    run_phases(rehearsal.run_file, "r1", "01")
    phase = open_phase("02_remediation", rehearsal.run_file, "r1")
    rules = load_standardize(params_dir() / "rules" / "standardize.yml", load_catalogue(params_dir() / "catalog"))
    changes = standardize_tables(phase, rules)
    assert changes_second_time(phase, rules) == 0
    found = remediate(phase)
    assert [id for id, result in found.run.results.items() if result.status is Status.ERROR] == []
    kept = {name: _rows(phase, f"clean/{name}") for name in rules if phase.workspace.exists(f"source/{name}")}
    with engine.connect() as database:
        assert kept == {name: database.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) for name in kept}
    assert kept["patients"] and not kept["patient_aliases"] and len(kept) > 150
    if engine.dialect.name != "sqlite":  # whose columns have no type
        wrong = set(changes.wrong_types.select("table", "column").iter_rows())
        assert {("patients", "city"), ("patients", "zip_code"), ("lab_results", "test_value")} <= wrong


def _rows(phase, name):
    return phase.workspace.scan(name).select(pl.len()).collect().item()
