"""The house stays a house: imports run downward only, and phase rooms do not know each other."""

import ast
from pathlib import Path

import pytest

import ennu_lib

PACKAGE = Path(ennu_lib.__file__).parent
FLOORS = {
    5: {"cli", "run"},
    4: {"audit", "quality", "identity", "mapping", "scores", "backup", "load", "reconcile"},
    3: {"report", "hubspot", "images", "rules"},
    2: {"evidence", "source"},
    1: {"workspace", "config", "catalog", "errors", "clock", "keys", "progress"},
    0: {"emulator", "clinic"},
}
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}
ASIDE_MAY_USE = FLOORS[1]


def imports() -> list[tuple[str, str, str]]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(PACKAGE)
        room = module.parts[0].removesuffix(".py")
        if room == "__init__":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module] + [f"{node.module}.{a.name}" for a in node.names if node.module == "ennu_lib"]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            for name in names:
                parts = name.split(".")
                if parts[0] == "ennu_lib" and len(parts) > 1 and parts[1] in FLOOR_OF and parts[1] != room:
                    found.append((room, parts[1], module.as_posix()))
    return sorted(set(found))


def test_every_room_has_a_floor():
    rooms = {
        p.stem if p.is_file() else p.name
        for p in PACKAGE.iterdir()
        if p.suffix == ".py" or (p / "__init__.py").exists()
    }
    assert rooms - {"__init__"} == set(FLOOR_OF)


@pytest.mark.parametrize(("room", "used", "module"), imports())
def test_imports_run_downward(room, used, module):
    here, there = FLOOR_OF[room], FLOOR_OF[used]
    if here == 0:
        assert used in ASIDE_MAY_USE, f"{module} imports {used}"
    elif there == 0:
        assert here == 5, f"{module} imports {used}: only the runner knows what stands aside"
    elif here == 4:
        assert there < 4, f"{module} imports {used}: a phase room never imports another"
    else:
        assert there <= here, f"{module} imports {used}"
