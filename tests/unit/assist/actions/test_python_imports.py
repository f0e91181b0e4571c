"""Where an import is put, and what is offered to be imported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.marked import snap

from zicoder.assist.actions.python_imports import Import, import_edit
from zicoder.assist.actions.python_modules import Installed, candidates, module_of
from zicoder.index.search import Hit
from zicoder.index.symbols import Symbol
from zicoder.text import apply_edits

LOCAL = frozenset({"shop"})


def added(text: str, wanted: Import) -> str:
    return apply_edits(text, (import_edit(snap(text), wanted, local=LOCAL),))


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        ("", Import("os"), "import os\n"),
        ("x = 1\n", Import("os"), "import os\n\nx = 1\n"),
        ('"""Doc."""\n\nx = 1\n', Import("os"), '"""Doc."""\n\nimport os\n\nx = 1\n'),
        ("#!/usr/bin/env python\nx = 1\n", Import("os"), "#!/usr/bin/env python\nimport os\n\nx = 1\n"),
        ("import os\nx = 1\n", Import("sys"), "import os\nimport sys\nx = 1\n"),
        ("import sys\nx = 1\n", Import("os"), "import os\nimport sys\nx = 1\n"),
        ("import os\n\nx = 1\n", Import("numpy", alias="np"), "import os\n\nimport numpy as np\n\nx = 1\n"),
        ("import numpy\n\nx = 1\n", Import("os"), "import os\n\nimport numpy\n\nx = 1\n"),
        ("from os import path\n", Import("os", "getcwd"), "from os import getcwd, path\n"),
        ("from os import path, getcwd  # why\n", Import("os", "sep"), "from os import path, getcwd, sep  # why\n"),
        ("from os import (\n    path,\n)\n", Import("os", "sep"), "from os import (\n    path,\n    sep,\n)\n"),
        ("from os import (path)\n", Import("os", "sep"), "from os import (path, sep)\n"),
        ("from os import *\n", Import("os", "sep"), "from os import *\nfrom os import sep\n"),
        ("import os\n\nimport shop\n", Import("attr"), "import os\n\nimport attr\n\nimport shop\n"),
        ("import os\r\nx = 1\r\n", Import("sys"), "import os\r\nimport sys\r\nx = 1\r\n"),
        ("from __future__ import annotations\n", Import("os"), "from __future__ import annotations\n\nimport os\n"),
        ("import os", Import("sys"), "import os\nimport sys\n"),
        (
            '"""Long\n\nimport this\n"""\nimport os\n',
            Import("sys"),
            '"""Long\n\nimport this\n"""\nimport os\nimport sys\n',
        ),
        ("import os\n\ndef f():\n    import re\n", Import("sys"), "import os\nimport sys\n\ndef f():\n    import re\n"),
    ],
)
def test_imports_are_put_where_they_belong(before: str, wanted: Import, after: str) -> None:
    assert added(before, wanted) == after


class Project:
    """What an index of a small project answers."""

    def __init__(self, symbols: Sequence[Symbol] = (), uses: Sequence[str] = ()) -> None:
        self._symbols = list(symbols)
        self._uses = [Hit("u.py", 0, 1, "python", "module", "", "", "", text, 1.0) for text in uses]

    async def symbols(self, query: str, limit: int = 100, *, deadline: float = 2.0) -> list[Symbol]:
        return self._symbols

    async def callers(self, symbol: str, limit: int = 50, *, deadline: float = 0.5) -> list[Hit]:
        return self._uses

    async def definitions(self, names: Sequence[str], limit: int = 20, *, deadline: float = 0.5) -> list[Hit]:
        return []

    async def similar(self, snippet: str, k: int = 5, *, outside: str = "", deadline: float = 0.5) -> list[Hit]:
        return []


async def lines(name: str, *, index: Project | None = None, root: Path | None = None, own: str = "a.py",
                installed: Installed | None = None) -> list[str]:  # fmt: skip
    found = await candidates(
        name, index=index, root=root, own=root / own if root else None, installed=installed or Installed()
    )
    return [each.line for each in found.imports]


async def test_the_standard_library() -> None:
    assert (await lines("defaultdict")) == ["from collections import defaultdict"]
    assert (await lines("Path"))[0] == "from pathlib import Path"
    assert (await lines("os")) == ["import os"]
    assert (await lines("dataclass"))[0] == "from dataclasses import dataclass"
    assert await lines("no_such_name_at_all") == []


async def test_what_the_project_does_comes_first(tmp_path: Path) -> None:
    (tmp_path / "src" / "shop").mkdir(parents=True)
    (tmp_path / "src" / "shop" / "__init__.py").touch()
    symbols = [
        Symbol("Path", "Path", "class", "src/shop/paths.py", 3),
        Symbol("Path", "Other.Path", "class", "src/shop/other.py", 3),
        Symbol("Path", "Path", "class", "tests/test_paths.py", 3),
    ]
    index = Project(symbols, uses=["from shop.api import (\n    A,\n    Path,\n)\n", "from shop.api import Path\n"])
    assert (await lines("Path", index=index, root=tmp_path))[:4] == [
        "from shop.api import Path",
        "from shop.paths import Path",
        "from tests.test_paths import Path",
        "from pathlib import Path",
    ]


async def test_a_package_is_not_imported_from_as_others_do(tmp_path: Path) -> None:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("from shop.made import Cart\n")
    (package / "made.py").write_text("class Cart: ...\n")
    index = Project([Symbol("Cart", "Cart", "class", "shop/made.py", 0)], uses=["from shop import Cart\n"])
    from_inside = await lines("Cart", index=index, root=tmp_path, own="shop/use.py")
    assert from_inside == ["from shop.made import Cart"]
    assert (await lines("Cart", index=index, root=tmp_path, own="main.py"))[0] == "from shop import Cart"


async def test_installed_packages(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    (site / "attrlike").mkdir(parents=True)
    (site / "attrlike" / "__init__.py").write_text("from ._make import define, field as fields\n\ndef own(): ...\n")
    (site / "numpy").mkdir()
    (site / "numpy" / "__init__.py").touch()
    (site / "other-1.0.dist-info").mkdir()
    installed = Installed([str(site), str(tmp_path / "absent")])
    assert await lines("define", installed=installed) == []
    installed.read()
    assert await lines("define", installed=installed) == ["from attrlike import define"]
    assert await lines("fields", installed=installed) == [
        "from dataclasses import fields",
        "from attrlike import fields",
    ]
    assert await lines("attrlike", installed=installed) == ["import attrlike"]
    assert await lines("np", installed=installed) == ["import numpy as np"]


def test_modules_of_files(tmp_path: Path) -> None:
    for folder in ("pkg", "pkg/inner", "src/other"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "__init__.py").touch()
    (tmp_path / "scripts").mkdir()
    names = {
        "pkg/a.py": "pkg.a",
        "pkg/inner/__init__.py": "pkg.inner",
        "src/other/b.py": "other.b",
        "top.py": "top",
        "scripts/c.py": "scripts.c",
        "scripts/not-a-name.py": "",
    }
    assert {path: module_of(tmp_path / path, tmp_path) for path in names} == names
    assert module_of(tmp_path / "scripts" / "c.py", tmp_path, tmp_path / "scripts" / "d.py") == "c"
