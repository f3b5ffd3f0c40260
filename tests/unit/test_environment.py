"""environment.yml, pyproject.toml and requirements.lock say the same thing."""

import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement

from ennu_lib.config import project_root

ROOT = project_root()
REQUIRED = {
    "jupyterlab",
    "papermill",
    "pandas",
    "polars",
    "sqlalchemy",
    "hubspot-api-client",
    "recordlinkage",
    "matplotlib",
    "pytest",
    "nbval",
}


def declared() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = project["dependencies"] + project["optional-dependencies"]["dev"]
    return {(r := Requirement(line)).name.lower(): r for line in lines}


def for_conda() -> tuple[dict, dict[str, Requirement]]:
    data = yaml.safe_load((ROOT / "environment.yml").read_text())
    pip = next(d["pip"] for d in data["dependencies"] if isinstance(d, dict))
    return data, {(r := Requirement(line)).name.lower(): r for line in pip if not line.startswith("-e")}


def locked(file: str = "requirements.lock") -> dict[str, str]:
    text = (ROOT / file).read_text()
    return {name.lower(): version for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", text, re.M)}


def test_conda_users_get_the_same_requirements():
    data, conda = for_conda()
    assert {name: str(r) for name, r in conda.items()} == {name: str(r) for name, r in declared().items()}
    assert data["channels"] == ["conda-forge", "nodefaults"]
    assert "python=3.11" in data["dependencies"]
    assert next(d["pip"] for d in data["dependencies"] if isinstance(d, dict))[-1] == "-e ."


def test_what_must_be_there_is_there():
    assert set(declared()) >= REQUIRED


@pytest.mark.parametrize("name", sorted(declared()))
def test_the_lock_satisfies_every_requirement(name):
    assert declared()[name].specifier.contains(locked()[name.replace("_", "-")])


def test_the_lock_pins_hashes_and_holds_no_url():
    for file in ("requirements.lock", "requirements-uv.lock", "requirements-bench.lock"):
        text = (ROOT / file).read_text()
        assert "://" not in text
        blocks = re.split(r"\n(?=[\w.-]+==)", text.strip())
        assert all("--hash=sha256:" in block for block in blocks)


def test_what_the_benchmark_adds_is_what_is_declared_and_changes_nothing_that_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    added = locked("requirements-bench.lock")
    for requirement in map(Requirement, project["optional-dependencies"]["bench"]):
        assert requirement.specifier.contains(added[requirement.name])
    both = added.keys() & locked().keys()
    assert {name: added[name] for name in both} == {name: locked()[name] for name in both}


def test_the_bootstrap_pins_the_uv_that_the_lock_has():
    assert f"uv=={locked()['uv']}" in (ROOT / "requirements-uv.lock").read_text()
