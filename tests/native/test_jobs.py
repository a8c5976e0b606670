import ctypes
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from geosal.native import jobs

HEADER = Path(__file__).parents[2] / "geosal" / "native" / "jobs.h"
PAIRS = {
    kind: re.match(r"``(\w+)`` of ``jobs.h``", kind.__doc__ or "")[1]
    for kind in vars(jobs).values()
    if isinstance(kind, type) and issubclass(kind, ctypes.Structure)
}
"""Structure of ctypes -> name of that of C, as its docstring tells."""


Layout = dict[str, tuple[int, int]]


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """Offset and size of each field, and of each structure, as the C compiler lays them out."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    told = [f'printf("{name} 0 %zu\\n", sizeof({name}));' for name in PAIRS.values()]
    for kind, name in PAIRS.items():
        told += [
            f'printf("{name}.{field} %zu %zu\\n", offsetof({name}, {field}), sizeof((({name} *)0)->{field}));'
            for field, *_ in kind._fields_
        ]
    folder = tmp_path_factory.mktemp("layout")
    source = folder / "layout.c"
    source.write_text(f'#include <stdio.h>\n#include "{HEADER}"\nint main(void) {{\n' + "\n".join(told) + "\n}\n")
    subprocess.run([compiler, "-std=gnu11", "-o", folder / "layout", source], check=True, timeout=60)
    lines = subprocess.run([folder / "layout"], capture_output=True, text=True, check=True, timeout=60).stdout
    return {name: (int(offset), int(size)) for name, offset, size in map(str.split, lines.splitlines())}


def test_every_structure_of_the_header_has_its_like() -> None:
    assert sorted(re.findall(r"^} (\w+);", HEADER.read_text(), re.MULTILINE)) == sorted(PAIRS.values())


@pytest.mark.parametrize("kind", PAIRS, ids=lambda kind: kind.__name__)
def test_ctypes_lays_a_structure_out_as_c_does(
    kind: type[ctypes.Structure], layout: dict[str, tuple[int, int]]
) -> None:
    name = PAIRS[kind]
    assert ctypes.sizeof(kind) == layout[name][1]
    for field, *_ in kind._fields_:
        told = getattr(kind, field)
        assert (told.offset, told.size) == layout[f"{name}.{field}"], field
