"""Imports of TypeScript and JavaScript: what is offered for a name, and what the edit makes of a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from zicoder.assist.actions.script_imports import ScriptImport, script_candidates, script_import_edit
from zicoder.index.search import Hit
from zicoder.index.symbols import Symbol
from zicoder.text import Snapshot, apply_edits, language_of


class Project:
    """An index that knows these definitions, and that these files use the name."""

    def __init__(self, symbols: Sequence[Symbol] = (), users: Sequence[str] = ()) -> None:
        self._symbols = list(symbols)
        self._users = [Hit(path, 0, 1, "typescript", "module", "", "", "", "", 1.0) for path in users]

    async def symbols(self, query: str, limit: int = 100, *, deadline: float = 2.0) -> list[Symbol]:
        return self._symbols

    async def callers(self, symbol: str, limit: int = 50, *, deadline: float = 0.5) -> list[Hit]:
        return self._users

    async def definitions(self, names: Sequence[str], limit: int = 20, *, deadline: float = 0.5) -> list[Hit]:
        return []

    async def similar(self, snippet: str, k: int = 5, *, outside: str = "", deadline: float = 0.5) -> list[Hit]:
        return []


def document(text: str, path: Path) -> Snapshot:
    return Snapshot(path.as_uri(), text, 1, language_of(path), path)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    files = {
        "package.json": '{"name": "shop"}',
        "src/cart.ts": "export class Cart {}\nexport interface Line { id: string }\nclass Hidden {}\n",
        "src/deep/index.ts": "export default function deep() {}\n",
        "src/old.js": "function old() {}\nmodule.exports = { old };\n",
        "src/user.ts": "import { z } from 'zod'\nimport { Cart } from './cart'\n",
        "packages/other/package.json": "{}",
        "packages/other/far.ts": "export const far = 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


async def offered(
    shop: Path, name: str, where: str, text: str = "", *, kind: str = "class", users: Sequence[str] = ()
) -> list[tuple[str, bool]]:
    symbols = [Symbol(name, name, kind, where, 0)] if where else []
    snapshot = document(text, shop / "src" / "pages" / "page.ts")
    found = await script_candidates(name, snapshot, index=Project(symbols, users), root=shop)
    return [(each.path, each.default) for each in found]


async def test_what_the_project_exports(shop: Path) -> None:
    assert await offered(shop, "Cart", "src/cart.ts") == [("../cart", False)]
    assert await offered(shop, "deep", "src/deep/index.ts") == [("../deep", True)]
    assert await offered(shop, "old", "src/old.js") == [("../old", False)]
    assert await offered(shop, "Hidden", "src/cart.ts") == []
    assert await offered(shop, "far", "packages/other/far.ts") == []
    assert await offered(shop, "Cart", "src/gone.ts") == []


async def test_endings_are_written_as_the_file_writes_them(shop: Path) -> None:
    assert await offered(shop, "Cart", "src/cart.ts", 'import { a } from "./a.js";\n') == [("../cart.js", False)]
    assert await offered(shop, "Cart", "src/cart.ts", 'import { a } from "./a.ts";\n') == [("../cart.ts", False)]


async def test_what_other_files_import_comes_first(shop: Path) -> None:
    assert await offered(shop, "z", "", users=["src/user.ts"]) == [("zod", False)]
    assert await offered(shop, "Cart", "src/cart.ts", users=["src/user.ts"]) == [("../cart", False)]


@pytest.mark.parametrize(
    ("name", "wanted", "before", "after"),
    [
        ("a.ts", ScriptImport("./b", "B"), "const x = 'a'\nB()\n", "import { B } from './b'\n\nconst x = 'a'\nB()\n"),
        ("a.ts", ScriptImport("./b", "B"), 'import { A } from "./b";\nB();\n', 'import { A, B } from "./b";\nB();\n'),
        ("a.ts", ScriptImport("./b", "B"), "import {\n  A,\n} from './b'\n", "import {\n  A,\n  B,\n} from './b'\n"),
        ("a.ts", ScriptImport("./b", "B"), "import {\n  A\n} from './b'\n", "import {\n  A,\n  B\n} from './b'\n"),
        ("a.ts", ScriptImport("./b", "B"), "import A from './b'\n", "import A, { B } from './b'\n"),
        ("a.ts", ScriptImport("./b", "B"), "import * as b from './b'\n",
         "import * as b from './b'\nimport { B } from './b'\n"),
        ("a.ts", ScriptImport("./b", "B"), "import type { A } from './b'\n",
         "import type { A } from './b'\nimport { B } from './b'\n"),
        ("a.ts", ScriptImport("./b", "B", types=True), "import type { A } from './b'\n",
         "import type { A, B } from './b'\n"),
        ("a.ts", ScriptImport("./b", "b", default=True), "import { A } from './a';\n",
         "import { A } from './a';\nimport b from './b';\n"),
        ("a.ts", ScriptImport("zod", "z"), "import { A } from './a';\n",
         "import { z } from 'zod';\nimport { A } from './a';\n"),
        ("a.js", ScriptImport("./b", "B"), "'use strict';\nconst a = require('./a');\nB();\n",
         "'use strict';\nconst a = require('./a');\nconst { B } = require('./b');\nB();\n"),
        ("a.js", ScriptImport("./b", "B"), "const { A } = require('./b');\n", "const { A, B } = require('./b');\n"),
        ("a.ts", ScriptImport("./b", "B"), "#!/usr/bin/env node\n// Licence\nB()",
         '#!/usr/bin/env node\n// Licence\nimport { B } from \'./b\'\n\nB()'),
        ("a.ts", ScriptImport("./b", "B"), "import { A } from './b'\r\nB()\r\n",
         "import { A, B } from './b'\r\nB()\r\n"),
        ("a.ts", ScriptImport("./b", "B"), "import { A } from './a'",
         "import { A } from './a'\nimport { B } from './b'\n"),
    ],
)  # fmt: skip
def test_the_statement_is_put_where_its_like_are(
    tmp_path: Path, name: str, wanted: ScriptImport, before: str, after: str
) -> None:
    snapshot = document(before, tmp_path / name)
    edit, _ = script_import_edit(snapshot, wanted)
    assert apply_edits(before, (edit,)) == after
