"""How a notebook ended is decided here, because Papermill's own record cannot be trusted for it."""

import nbformat
import pytest

from ennu_lib import errors
from ennu_lib.run.execute import execute


def notebook(tmp_path, *sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    path = tmp_path / "01_audit.ipynb"
    document = nbformat.v4.new_notebook(
        cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "p", "language": "python"}}
    )
    nbformat.write(document, path)
    return path


def ending(tmp_path, *sources, **more):
    output = tmp_path / "out.ipynb"
    limits = {"cell_minutes": 1, "megabytes": 1} | more
    return execute(notebook(tmp_path, *sources), output, {}, **limits), nbformat.read(output, as_version=4)


def test_a_notebook_that_runs_to_its_end_is_good(tmp_path):
    found, saved = ending(tmp_path, "1 + 1", "2")
    assert found.ok
    assert saved.metadata["ennu"]["ok"] is True
    assert "papermill" not in saved.metadata


def test_our_own_error_keeps_its_name_message_and_exit_code(tmp_path):
    raising = "from ennu_lib.errors import SourceUnreachable\nraise SourceUnreachable('the server does not answer')"
    found, saved = ending(tmp_path, "1", raising, "3")
    assert (found.ok, found.error, found.exit_code, found.cell) == (False, "SourceUnreachable", 12, 2)
    assert found.message == "the server does not answer"
    assert saved.metadata["ennu"] == {
        "ok": False,
        "error": "SourceUnreachable",
        "cell": 2,
        "notebook": "01_audit.ipynb",
    }
    assert len(saved.cells) == 3


@pytest.mark.parametrize(
    "source",
    [
        "raise ValueError('patient Jane Doe')",
        "import sys\nsys.exit('Jane Doe')",
        "import sys\nsys.exit(0)",
        "import os\nos._exit(9)",
    ],
    ids=["exception", "exit_with_words", "exit_0", "dead_kernel"],
)
def test_every_other_ending_is_a_failure_without_a_value(tmp_path, source):
    found, saved = ending(tmp_path, "1", source, "3")
    assert (found.ok, found.error, found.exit_code) == (False, "PhaseFailed", errors.PhaseFailed.exit_code)
    assert "Jane" not in found.message
    assert saved.metadata["ennu"]["ok"] is False


def test_a_cell_that_takes_too_long_is_a_failure(tmp_path):
    found, _ = ending(tmp_path, "import time\ntime.sleep(60)", cell_minutes=0.05)
    assert (found.ok, found.error) == (False, "PhaseFailed")
    assert "longer than" in found.message


def test_a_notebook_that_prints_without_end_is_a_failure(tmp_path):
    found, _ = ending(tmp_path, "print('x' * 2_000_000)")
    assert not found.ok
    assert "printed" in found.message


def test_a_kernel_that_does_not_start_is_a_failure(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    found, saved = ending(tmp_path, "1")
    assert (found.ok, found.error) == (False, "PhaseFailed")
    assert "did not start" in found.message
    assert saved.metadata["ennu"]["ok"] is False
