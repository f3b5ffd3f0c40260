"""Where a phase came from: the parameters in force, and an operator whatever the machine knows of one."""

import getpass

import pytest

from ennu_lib.evidence import folder_sha256, provenance


@pytest.fixture
def run_file(tmp_path):
    path = tmp_path / "run.yml"
    path.write_text("name: demo\n")
    return path


def test_the_parameters_are_those_in_force(run_file, tmp_path, monkeypatch):
    own = tmp_path / "own"
    own.mkdir()
    (own / "rules.yml").write_text("a: 1\n")
    monkeypatch.setenv("ENNU_PARAMS", str(own))
    assert provenance(run_file)["params_folder_sha256"] == folder_sha256(own)


def test_a_user_without_a_name_has_a_number(run_file, monkeypatch):
    def nameless():
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert provenance(run_file)["operator"].startswith("user ")
