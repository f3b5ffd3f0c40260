"""A guard inside the notebook's kernel: only blocks of the report are displayed, and exceptions lose their values.

Installed by one call in the setup cell. What it cannot stop is `print`; a test of the notebooks forbids that, and every
finished file is searched for personal data as well.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
import warnings
from numbers import Number
from pathlib import Path
from types import TracebackType
from typing import Any

import polars as pl

from ennu_lib.errors import EnnuError
from ennu_lib.report.html import Html, block, element
from ennu_lib.report.masking import TELLING, learn_identifiers, learn_values, scan
from ennu_lib.report.outputs import STYLE_MARK, explain
from ennu_lib.report.theme import component_css
from ennu_lib.workspace import Workspace

SHOWABLE = (Html, Number, type(None))
CLASSES = "classes"
WITHHELD = "the message is withheld, it may quote a record"


def install_guard(workspace: Workspace | None = None) -> Html:
    """Install the guard in this kernel, and return the style sheet of the report for display in JupyterLab.

    Afterwards a cell displays blocks of the report and numbers, and a notice in place of anything else. Exceptions,
    warnings and log lines of libraries are reduced to their class and place. Outside a kernel nothing is changed.
    With the run's `workspace`, tables refuse the columns that its audit classed as identifying as well, and withhold
    the values of these columns under any other name.
    """
    if workspace is not None and CLASSES in workspace.names("audit"):
        learn_identifiers(workspace.scan(f"audit/{CLASSES}").select("column", "class").collect())
        learn_values(workspace, TELLING)
    shell = _shell()
    if shell is not None and not getattr(shell, "_ennu_guarded", False):
        _guard_display(shell)
        _guard_errors(shell)
        _guard_side_channels()
        shell._ennu_guarded = True
    return Html(f"{STYLE_MARK}{component_css()}</style>")


def described(value: object) -> str:
    """What may be said of a value that is not shown: its type and size."""
    if isinstance(value, pl.DataFrame):
        return f"a frame of {value.height:,} rows and {value.width:,} columns"
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and len(shape) == 2:
        return f"a {type(value).__name__} of {shape[0]:,} rows and {shape[1]:,} columns"
    try:
        return f"a {type(value).__name__} of {len(value):,} items"  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return f"a {type(value).__name__}"


def told(etype: type[BaseException], value: BaseException, trace: TracebackType | None) -> list[str]:
    """An exception as lines without any value: class, exit code, meaning, and the places in our own code.

    The message of a foreseen failure is kept: it is written to be read and holds no record. It goes too when it has the
    shape of personal data after all.
    """
    code, meaning = explain(etype.__name__)
    lines = [f"{etype.__name__} (exit code {code}): {meaning}" if code else f"{etype.__name__}: {WITHHELD}"]
    if code:
        lines.append(safe_message(value))
    return lines + [f"  at {place}" for place in _places(trace)]


def safe_message(value: BaseException) -> str:
    """The message of one of our own exceptions unless it looks like personal data; a fixed text for any other."""
    text = str(value)
    return text if isinstance(value, EnnuError) and not scan(text) else WITHHELD


def _guard_display(shell: Any) -> None:
    formatter = shell.display_formatter
    original = formatter.format

    def format_shown(value: object, include: object = None, exclude: object = None) -> tuple[dict, dict]:
        if isinstance(value, SHOWABLE):
            return original(value, include, exclude)
        notice = f"Not shown: {described(value)}. Use table(), figure() or note() of ennu_lib.report."
        return {"text/plain": notice, "text/html": block("withheld", element("p", notice)).markup}, {}

    formatter.format = format_shown


def _guard_errors(shell: Any) -> None:
    def showtraceback(exc_tuple: tuple | None = None, *_args: object, **_kwargs: object) -> None:
        etype, value, trace = exc_tuple if exc_tuple and exc_tuple[0] else sys.exc_info()
        if etype is not None:
            shell._showtraceback(etype, safe_message(value), told(etype, value, trace))

    run_code = shell.run_code

    async def run_code_safely(code: object, result: Any = None, **kwargs: object) -> bool:
        failed = await run_code(code, result, **kwargs)
        if failed and result is not None and result.error_in_exec is not None:
            result.error_in_exec = _without_values(result.error_in_exec)
        return failed

    shell.showtraceback = shell.showsyntaxerror = showtraceback
    shell.run_code = run_code_safely


def _guard_side_channels() -> None:
    """Threads, finalizers, warnings and unconfigured loggers write to the notebook too."""
    threading.excepthook = lambda args: _say_exception(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = lambda args: _say_exception(args.exc_type, args.exc_value, args.exc_traceback)
    warnings.showwarning = _say_warning
    logging.lastResort = _LastResort(logging.WARNING)


def _without_values(error: BaseException) -> BaseException:
    """An exception of the same name for the kernel's reply, with a message that may be stored."""
    twin = type(type(error).__name__, (Exception,), {})
    return twin(safe_message(error))


def _places(trace: TracebackType | None) -> list[str]:
    """File, line and function of every frame in this library or in a cell, outermost first."""
    places = []
    for frame in traceback.extract_tb(trace):
        path = Path(frame.filename)
        if "ennu_lib" in path.parts:
            shown = Path(*path.parts[path.parts.index("ennu_lib") :]).as_posix()
            places.append(f"{shown}:{frame.lineno} in {frame.name}")
        elif "ipykernel" in frame.filename:
            places.append(f"a cell, line {frame.lineno}")
    return places


def _say_exception(etype: type[BaseException], value: BaseException | None, trace: TracebackType | None) -> None:
    print("\n".join(told(etype, value or etype(), trace)), file=sys.stderr)


def _say_warning(_message: object, category: type[Warning], filename: str, lineno: int, *_: object) -> None:
    print(f"{category.__name__} at {Path(filename).name}:{lineno} (text withheld)", file=sys.stderr)


class _LastResort(logging.Handler):
    """Says that a library logged something, not what."""

    def emit(self, record: logging.LogRecord) -> None:
        print(f"{record.levelname} from {record.name} (text withheld)", file=sys.stderr)


def _shell() -> Any:
    if "IPython" not in sys.modules:
        return None
    return sys.modules["IPython"].get_ipython()
