"""Makes `zicoder/assist/actions/stdlib_names.txt`: what can be imported from Python's standard library.

One module a line, and its public names. Modules that the standard library's own code and ours import most stand first:
where several have a name, that is the order in which they are offered. Run it with the oldest Python that is supported.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
import sysconfig
import types
import warnings
from collections import Counter
from pathlib import Path

OUT = Path(__file__).parents[1] / "zicoder" / "assist" / "actions" / "stdlib_names.txt"
PACKAGES = (
    "asyncio", "collections", "concurrent", "concurrent.futures", "ctypes", "curses", "email", "html", "http",
    "importlib", "json", "logging", "multiprocessing", "os", "unittest", "urllib", "wsgiref", "xml", "xml.etree",
    "xml.sax", "xmlrpc",
)  # fmt: skip
LEFT_OUT = re.compile(
    r"_|test|idlelib|lib2to3|distutils|ensurepip|pydoc_data|turtledemo|tkinter|turtle|antigravity|this$|msilib|nt|posix"
    r"|sre_|opcode|genericpath|builtins|pydoc|__|unittest\.(?:__main__|_)|multiprocessing\.(?:popen|resource|spawn)"
)


def modules() -> list[str]:
    """Every public module that can be imported without doing anything."""
    names = [name for name in sorted(sys.stdlib_module_names) if not LEFT_OUT.match(name)]
    for package in PACKAGES:
        path = getattr(importlib.import_module(package), "__path__", None)
        inner = (each.name for each in pkgutil.iter_modules(path or []))
        names += [f"{package}.{name}" for name in inner if not LEFT_OUT.match(name) and name != "__main__"]
    return [*names, "os.path"]


def public(module: types.ModuleType) -> list[str]:
    """What a module offers."""
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return sorted({name for name in listed if name.isidentifier() and not name.startswith("_")})
    own = (
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not isinstance(value, types.ModuleType)
        and getattr(value, "__module__", module.__name__) == module.__name__
    )
    return sorted(own)


def main() -> None:
    """Write the table."""
    uses: Counter[str] = Counter()
    ours = Path(__file__).parents[1]
    for path in (*Path(sysconfig.get_paths()["stdlib"]).rglob("*.py"), *ours.rglob("*.py")):
        if "site-packages" not in path.parts and "test" not in path.parts:
            text = path.read_text(encoding="utf-8", errors="replace")
            uses.update(re.findall(r"^\s*(?:from|import)\s+([\w.]+)", text, re.M))
    lines: list[tuple[int, str]] = []
    for name in modules():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = public(importlib.import_module(name))
        except ImportError:
            continue
        lines.append((-uses[name], " ".join([name, *found])))
    OUT.write_text("\n".join(line for _, line in sorted(lines)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
