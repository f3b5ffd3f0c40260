"""What earlier loads of a run file brought into a portal, remembered beside the runs, which come and go.

A state holds the targets and the crosswalk that a load began with, as hard links: it costs no space while the run is
there, and outlives it. Once a load has ended, its state is the only one; a load that was broken off leaves its own
beside that of the last whole one, because the portal then holds some of both.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import polars as pl

from ennu_lib.config import people_folder
from ennu_lib.hubspot.schema import EXTERNAL_ID
from ennu_lib.images import link_files, objects_to_load, record_files, record_frame
from ennu_lib.keys import Keys
from ennu_lib.load.repair_plan import LINK_KEY, RECORD_SCHEMA, as_values, link_changes, record_changes
from ennu_lib.workspace import PART, Workspace, make_private, storage

MEMBERS = "identity/members"
PATIENTS = "patients"


class Memory:
    """The states of the loads of one run file into one portal."""

    def __init__(self, name: str, portal: str, root: Path | None = None):
        self.folder = people_folder(name, root) / "loaded" / portal

    def states(self) -> list[Workspace]:
        """Every state that the portal may still hold something of, oldest first."""
        names = [p.name for p in self.folder.glob("[0-9]*")] if self.folder.is_dir() else []
        return [Workspace(name, self.folder) for name in sorted(names)]

    def begin(self, workspace: Workspace) -> None:
        """Remember what is about to be loaded, before anything is sent. Raises StorageFull."""
        files = {path: path.relative_to(workspace.root) for path in _files(workspace)}
        states = self.states()
        if states and _same(files, states[-1]):
            return
        number = int(states[-1].run_id) + 1 if states else 1
        part = self.folder / f"{PART}{os.getpid()}"
        with storage("the memory of what was loaded"):
            shutil.rmtree(part, ignore_errors=True)
            for path, name in files.items():
                make_private((part / name).parent)
                _link(path, part / name)
            part.rename(self.folder / f"{number:06}")

    def finish(self) -> None:
        """Forget all states but the newest: everything of it is in the portal now."""
        for state in self.states()[:-1]:
            shutil.rmtree(state.root)


def repair_after(states: list[Workspace], workspace: Workspace, keys: Keys) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What has to go from the portal because persons were split or merged since earlier loads: records and links.

    Only persons whose rows have another survivor now, and what hangs on them, are looked at: what else the source has
    changed is none of a repair's business. Columns as in `repair_plan.write_repair`.
    """
    links = pl.LazyFrame(schema=dict.fromkeys(LINK_KEY, pl.String))
    persons = sorted({person for state in states for person in _moved(state, workspace)})
    if not persons:
        return pl.DataFrame(schema=RECORD_SCHEMA), link_changes(links.collect(), links.collect())
    near = set(keys.external_ids(PATIENTS, persons))
    before = pl.concat([links, *(_links(state) for state in states)])
    touched = before.filter(pl.col("from_id").is_in(near) | pl.col("to_id").is_in(near))
    near |= {end for link in touched.select("from_id", "to_id").collect().iter_rows() for end in link}
    held, wanted = (
        every.filter(pl.col("from_id").is_in(near) | pl.col("to_id").is_in(near)).unique().collect()
        for every in (before, _links(workspace))
    )
    names = dict.fromkeys(name for each in (*states, workspace) for name in objects_to_load(each))
    parts = [_records([*states], workspace, name, near) for name in names]
    return pl.concat([pl.DataFrame(schema=RECORD_SCHEMA), *parts]), link_changes(held, wanted)


def _moved(state: Workspace, workspace: Workspace) -> set[str]:
    """The persons, by surviving row, that rows have left or joined."""
    now = workspace.scan(MEMBERS).rename({"golden_id": "now"})
    moved = state.scan(MEMBERS).join(now, on="patient_id").filter(pl.col("golden_id") != pl.col("now"))
    return {person for pair in moved.select("golden_id", "now").collect().iter_rows() for person in pair}


def _records(states: list[Workspace], workspace: Workspace, name: str, near: set[str]) -> pl.DataFrame:
    before, after = (
        pl.concat([as_values(record_frame(w, name).filter(pl.col(EXTERNAL_ID).is_in(near)).collect()) for w in which])
        for which in (states, [workspace])
    )
    return record_changes(name, before.unique(["external_id", "property"], keep="last", maintain_order=True), after)


def _links(workspace: Workspace) -> pl.LazyFrame:
    return pl.concat([workspace.scan(name).select(LINK_KEY) for name in link_files(workspace)])


def _files(workspace: Workspace) -> list[Path]:
    records = [path for name in objects_to_load(workspace) for path in record_files(workspace, name)]
    return [*records, *(workspace.path(name) for name in [*link_files(workspace), MEMBERS])]


def _same(files: dict[Path, Path], state: Workspace) -> bool:
    kept = [state.root / name for name in files.values()]
    return all(there.is_file() and there.samefile(path) for path, there in zip(files, kept, strict=True))


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:  # a file system without hard links
        shutil.copy2(path, target)
