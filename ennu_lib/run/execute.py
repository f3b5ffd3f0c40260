"""Execute one notebook and decide for ourselves how it ended.

Papermill's own record cannot be trusted for that: after a timeout or a dead kernel the saved notebook claims that every
cell completed, and `sys.exit(0)` in a cell counts as success with later cells never run.
"""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from ennu_lib import errors
from ennu_lib.config import project_root
from ennu_lib.workspace import replacing

OUR_ERRORS = {
    name: cls for name, cls in vars(errors).items() if isinstance(cls, type) and issubclass(cls, errors.EnnuError)
}


@dataclass(frozen=True)
class Ending:
    """How a notebook ended. `cell` counts code cells from 1; `error` is one of our classes, by name."""

    ok: bool
    error: str = ""
    exit_code: int = 0
    message: str = ""
    cell: int | None = None


def quiet() -> None:
    """Keep tracebacks of tasks that a stop leaves behind off the operator's screen: they may quote a record."""
    for name in ("asyncio", "traitlets", "papermill", "papermill.translators", "nbclient"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def execute(
    notebook: Path, output: Path, parameters: dict[str, str], *, cell_minutes: float, megabytes: float
) -> Ending:
    """Run `notebook` with `parameters` in a fresh kernel and save the executed notebook, whole, at `output`.

    The kernel talks over a local socket: plain TCP on this machine could be read by any local process.
    """
    quiet()
    with tempfile.TemporaryDirectory(prefix="ennu-") as sockets, replacing(output) as temporary:
        config = Config()
        config.KernelManager.transport = "ipc"
        config.KernelManager.ip = str(Path(sockets) / "k")
        try:
            papermill.execute_notebook(
                str(notebook),
                str(temporary),
                parameters=parameters,
                cwd=str(project_root()),
                kernel_name="python3",
                progress_bar=False,
                log_output=False,
                execution_timeout=int(cell_minutes * 60),
                shutdown_kernel="immediate",
                config=config,
            )
            ending = Ending(ok=True)
        except PapermillExecutionError as error:
            ending = _raised(error.ename, error.evalue, temporary)
        except CellTimeoutError:
            ending = _phase_failed(f"a cell ran longer than {cell_minutes:g} minutes")
        except DeadKernelError:
            ending = _phase_failed("its kernel died, most often for want of memory")
        except OSError:
            raise
        except Exception as error:
            ending = _phase_failed(f"its kernel did not start or was lost ({type(error).__name__})")
        if not temporary.exists():
            nbformat.write(nbformat.read(notebook, as_version=4), temporary)
        return _stamp(temporary, ending, notebook, megabytes)


def _raised(name: str, value: str, executed: Path) -> Ending:
    cell = _failed_cell(executed)
    known = OUR_ERRORS.get(name)
    if known:
        return Ending(False, name, known.exit_code, value, cell)
    if name == "KeyboardInterrupt":
        return Ending(False, "Interrupted", errors.Interrupted.exit_code, "the phase was interrupted", cell)
    return _phase_failed(f"code cell {cell} raised {name}", cell)


def _phase_failed(why: str, cell: int | None = None) -> Ending:
    message = f"the phase failed: {why}; its page has the place, its data stay as the last whole files"
    return Ending(False, "PhaseFailed", errors.PhaseFailed.exit_code, message, cell)


def _failed_cell(executed: Path) -> int | None:
    if not executed.exists():
        return None
    for number, cell in enumerate(_code_cells(nbformat.read(executed, as_version=4)), start=1):
        if any(o.output_type == "error" for o in cell.outputs):
            return number
    return None


def _stamp(executed: Path, ending: Ending, notebook: Path, megabytes: float) -> Ending:
    """Write our own verdict into the saved notebook, and take machine paths and banners out of it."""
    document = nbformat.read(executed, as_version=4)
    document.cells = [c for c in document.cells if "papermill-error-cell-tag" not in c.metadata.get("tags", [])]
    if ending.ok:
        ending = _unfinished(document) or _too_large(document, megabytes) or ending
    document.metadata["ennu"] = {"ok": ending.ok, "error": ending.error, "cell": ending.cell, "notebook": notebook.name}
    document.metadata.pop("papermill", None)
    nbformat.write(document, executed)
    return ending


def _unfinished(document: nbformat.NotebookNode) -> Ending | None:
    for number, cell in enumerate(_code_cells(document), start=1):
        status = cell.metadata.get("papermill", {}).get("status")
        if status != "completed" or (cell.source.strip() and cell.execution_count is None):
            return _phase_failed(f"code cell {number} did not run to its end", number)
    return None


def _too_large(document: nbformat.NotebookNode, megabytes: float) -> Ending | None:
    size = sum(len(str(cell.outputs)) for cell in _code_cells(document))
    if size > megabytes * 1_000_000:
        return _phase_failed(f"it printed {size / 1e6:.1f} MB; runner.output_megabytes allows {megabytes:g}")
    return None


def _code_cells(document: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [c for c in document.cells if c.cell_type == "code"]
