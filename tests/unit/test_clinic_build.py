"""A whole small clinic in SQLite."""

import math
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
import yaml

from ennu_lib.catalog import load_catalogue
from ennu_lib.clinic import build_clinic
from ennu_lib.clinic.__main__ import main
from ennu_lib.clinic.labels import IDENTITY_FILE, LABELS_FILE
from ennu_lib.errors import ConfigurationError, SourceUnreachable, StorageFull

pytestmark = pytest.mark.slow

PARAMS = Path(__file__).parents[2] / "params"
CATALOGUE = load_catalogue(PARAMS / "catalog")
PATIENTS = 120


def small_params(directory: Path, **changes) -> Path:
    """The project's clinic parameters for chunks of 50 patients and short code lists."""
    content = yaml.safe_load((PARAMS / "clinic.yml").read_text())
    path = directory / "clinic.yml"
    path.write_text(yaml.safe_dump(content | {"chunk_patients": 50, "fixed_table_floor": 60} | changes))
    return path


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    directory = tmp_path_factory.mktemp("clinic")
    file, steps = directory / "clinic.sqlite", []
    summary = build_clinic(
        f"sqlite:///{file}",
        PATIENTS,
        seed=11,
        params=small_params(directory),
        labels=directory / "labels",
        progress=lambda *state: steps.append(state),
    )
    return file, summary, steps


@pytest.fixture(scope="module")
def rows(built):
    """A function that gives the rows of a query on the built clinic."""
    connection = sqlite3.connect(built[0])
    yield lambda query: connection.execute(query).fetchall()
    connection.close()


def counted(rows) -> dict[str, int]:
    return {table.name: rows(f'SELECT COUNT(*) FROM "{table.name}"')[0][0] for table in CATALOGUE.tables}


def test_every_table_has_exactly_the_catalogues_columns_and_keys(built):
    inspector = sa.inspect(sa.create_engine(f"sqlite:///{built[0]}"))
    assert sorted(inspector.get_table_names()) == sorted(CATALOGUE.table_names)
    for table in CATALOGUE.tables:
        assert [column["name"] for column in inspector.get_columns(table.name)] == table.column_names
        assert inspector.get_pk_constraint(table.name)["constrained_columns"] == table.primary_key


def test_no_table_is_empty_unless_the_catalogue_allows_it(built, rows):
    empty = {name for name, count in counted(rows).items() if not count}
    assert empty <= {table.name for table in CATALOGUE.tables if table.empty_allowed}


def test_summary_tells_the_rows_that_are_there(built, rows):
    assert built[1].rows_by_table == counted(rows)
    assert built[1].rows == sum(built[1].rows_by_table.values())
    assert built[1].tables == 189


def test_volumes_are_in_the_catalogues_proportion(built):
    far_off = {
        table.name: (built[1].rows_by_table[table.name], round(expected))
        for table in CATALOGUE.tables
        if table.growth == "patients"
        and (expected := table.rows * PATIENTS / 22_000) >= 30
        and abs(built[1].rows_by_table[table.name] - expected) > max(0.35 * expected, 4 * math.sqrt(expected))
    }
    assert far_off == {}


def test_declared_foreign_keys_hold_and_undeclared_ones_have_orphans(rows):
    assert rows("PRAGMA foreign_key_check") == []
    orphans = """SELECT COUNT(*) FROM prescriptions p LEFT JOIN providers v ON p.provider_id = v.provider_id
                 WHERE p.provider_id IS NOT NULL AND v.provider_id IS NULL"""
    assert rows(orphans)[0][0] > 0


def test_zero_dates_are_kept(rows):
    assert rows("SELECT COUNT(*) FROM treatment_plans WHERE end_date = '0000-00-00'")[0][0] > 0


def test_patients_number_as_many_as_asked_for(rows):
    assert rows("SELECT COUNT(*), MIN(patient_id), MAX(patient_id) FROM patients") == [(PATIENTS, 1, PATIENTS)]


def test_labels_name_rows_that_are_there(built, rows):
    labels = pl.read_parquet(built[0].parent / "labels" / LABELS_FILE)
    assert labels.height == built[1].defects > 100
    for (name,), group in labels.group_by("table"):
        key = " || '|' || ".join(f'"{column}"' for column in CATALOGUE.table(name).row_key)
        present = {str(row[0]) for row in rows(f'SELECT {key} FROM "{name}"')}
        assert set(group["key"]) <= present, name


def test_every_patient_row_has_an_identity(built):
    identities = pl.read_parquet(built[0].parent / "labels" / IDENTITY_FILE)
    assert sorted(identities["patient_id"]) == list(range(1, PATIENTS + 1))
    assert identities["person_id"].n_unique() < PATIENTS


def test_progress_goes_up_to_all_rows(built):
    done = [step[0] for step in built[2]]
    assert done == sorted(done)
    assert done[-1] == built[1].rows
    assert {step[2] for step in built[2]} == set(CATALOGUE.table_names)


def dump(file: Path) -> list:
    connection = sqlite3.connect(file)
    rows = [connection.execute(f'SELECT * FROM "{table.name}"').fetchall() for table in CATALOGUE.tables]
    connection.close()
    return rows


def test_same_seed_same_content_in_another_process_and_another_seed_another(tmp_path):
    params = small_params(tmp_path)
    for name, seed in (("a", 3), ("c", 4)):
        build_clinic(f"sqlite:///{tmp_path / name}", 20, seed, params=params)
    command = f"-m ennu_lib.clinic --url sqlite:///{tmp_path / 'b'} --patients 20 --seed 3 --params {params}"
    elsewhere = os.environ | {"PYTHONHASHSEED": "7", "POLARS_MAX_THREADS": "1"}
    subprocess.run([sys.executable, *command.split()], check=True, capture_output=True, env=elsewhere)
    first, second, other = (dump(tmp_path / name) for name in "abc")
    assert first == second
    assert first != other


def test_a_clinic_is_replaced_only_on_request_and_other_tables_stay(built, tmp_path):
    file = tmp_path / "clinic.sqlite"
    shutil.copyfile(built[0], file)
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE mine (x)")
        connection.execute("INSERT INTO mine VALUES (5)")
    url, params = f"sqlite:///{file}", small_params(tmp_path)
    with pytest.raises(ConfigurationError, match="189 tables of a clinic already; build with replace"):
        build_clinic(url, 10, 1, params=params)
    build_clinic(url, 10, 1, params=params, replace=True)
    connection = sqlite3.connect(file)
    assert connection.execute("SELECT x FROM mine").fetchall() == [(5,)]
    assert connection.execute("SELECT COUNT(*) FROM patients").fetchall() == [(10,)]


def test_an_interrupted_build_leaves_no_database_and_no_labels(tmp_path):
    def interrupt(done: int, expected: int, table: str) -> None:
        if table == "patients":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_clinic(
            f"sqlite:///{tmp_path / 'clinic.sqlite'}",
            20,
            1,
            params=small_params(tmp_path),
            labels=tmp_path / "labels",
            progress=interrupt,
        )
    assert not (tmp_path / "clinic.sqlite").exists()
    assert not (tmp_path / "clinic.sqlite.building").exists()
    assert list(tmp_path.glob("labels/*")) == []


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(StorageFull, match="cannot be written"):
        build_clinic(f"sqlite:///{tmp_path / 'file' / 'clinic.sqlite'}", 10, 1, params=small_params(tmp_path))


def test_a_file_that_is_no_database_is_told_and_kept(tmp_path):
    file = tmp_path / "clinic.sqlite"
    file.write_text("a letter, not a database" * 100)
    with pytest.raises(SourceUnreachable, match="is not an SQLite database"):
        build_clinic(f"sqlite:///{file}", 10, 1, params=small_params(tmp_path))
    assert file.read_text().startswith("a letter")


@pytest.mark.parametrize("patients", [1, 3])
def test_the_smallest_clinics_can_be_built(tmp_path, patients):
    summary = build_clinic(f"sqlite:///{tmp_path / 'x.sqlite'}", patients, 2, params=small_params(tmp_path))
    assert summary.rows_by_table["patients"] == patients


@pytest.mark.parametrize(
    ("changes", "mistakes"),
    [
        ({"as_of": "soon", "colour": 1}, {"as_of", "colour"}),
        ({"defects": {"orphan": 2}, "chunk_patients": 0}, {"defects.orphan", "chunk_patients"}),
        ({"defects": {"gremlin": 0.1}, "volumes": {"paitents": 2}}, {"defects.gremlin", "volumes.paitents"}),
    ],
)
def test_all_mistakes_in_the_parameters_are_told_before_anything_is_built(tmp_path, changes, mistakes):
    with pytest.raises(ConfigurationError) as caught:
        build_clinic(f"sqlite:///{tmp_path / 'x.sqlite'}", 20, 1, params=small_params(tmp_path, **changes))
    assert {text.split(":")[0] for text in caught.value.mistakes} == mistakes
    assert not (tmp_path / "x.sqlite").exists()


@pytest.mark.parametrize("url", ["clinic.sqlite", "oracle://host/db", "sqlite://"])
def test_a_url_that_cannot_hold_a_clinic_is_refused(url):
    with pytest.raises(ConfigurationError):
        build_clinic(url, 20, 1)


def test_command_line_builds_and_returns_the_exit_code_of_the_cause(tmp_path, capsys):
    url = f"sqlite:///{tmp_path / 'clinic.sqlite'}"
    options = ["--url", url, "--patients", "10", "--seed", "1", "--params", str(small_params(tmp_path))]
    assert main(options) == 0
    assert capsys.readouterr().out.startswith("189 tables, ")
    assert main(options) == ConfigurationError.exit_code
    assert "build with replace" in capsys.readouterr().err
