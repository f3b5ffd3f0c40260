"""Committed notebooks are thin, stripped, and all alike."""

import ast
import json

import pytest

from ennu_lib.config import project_root
from ennu_lib.evidence import PHASES

NOTEBOOKS = sorted((project_root() / "notebooks").glob("*.ipynb"))
MAX_LINES = 15


def cells(path, kind="code"):
    return [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == kind]


def source(cell) -> str:
    return "".join(cell["source"])


def test_there_is_one_notebook_per_phase():
    assert [p.name for p in NOTEBOOKS] == [spec.notebook for spec in PHASES]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
class TestNotebook:
    def test_carries_no_outputs_and_only_the_metadata_it_needs(self, path):
        document = json.loads(path.read_text(encoding="utf-8"))
        assert set(document["metadata"]) == {"kernelspec", "language_info"}
        for cell in cells(path):
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
            assert set(cell["metadata"]) <= {"tags"}

    def test_begins_with_a_title_and_has_one_parameters_cell(self, path):
        first = json.loads(path.read_text(encoding="utf-8"))["cells"][0]
        assert first["cell_type"] == "markdown"
        assert source(first).startswith(f"# {path.stem[:2]} · ")
        tagged = [c for c in cells(path) if "parameters" in c["metadata"].get("tags", [])]
        assert len(tagged) == 1
        names = [n.target.id for n in ast.parse(source(tagged[0])).body if isinstance(n, ast.AnnAssign)]
        assert names == ["run", "run_id"]

    def test_opens_its_own_phase(self, path):
        assert any(f'open_phase("{path.stem}", run, run_id)' in source(c) for c in cells(path))

    def test_has_stable_ids(self, path):
        ids = [c["id"] for c in json.loads(path.read_text(encoding="utf-8"))["cells"]]
        assert len(set(ids)) == len(ids)
        assert all(i.startswith(path.stem.split("_", 1)[1].replace("_", "-")) for i in ids)

    def test_cells_are_short(self, path):
        long = [c["id"] for c in cells(path) if len(source(c).splitlines()) > MAX_LINES]
        assert long == []

    def test_decides_nothing_itself(self, path):
        for cell in cells(path):
            for node in ast.walk(ast.parse(source(cell))):
                assert not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.Try, ast.If))
                assert not (isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("print", "open"))

    def test_imports_stand_in_one_cell(self, path):
        importing = [
            c["id"]
            for c in cells(path)
            if any(isinstance(n, (ast.Import, ast.ImportFrom)) for n in ast.walk(ast.parse(source(c))))
        ]
        assert len(importing) == 1

    def test_says_what_it_did_not_do_and_ends_with_the_verdict(self, path):
        text = "\n".join(source(c) for c in cells(path))
        assert "phase.not_done(" in text
        assert source(cells(path)[-1]).splitlines()[-1].startswith("verdict(")
