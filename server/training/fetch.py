"""Fetches the corpus again: `fetch.py ARCHIVES`. Downloads through pip and npm, checks SHA-256, unpacks nothing.

`corpus.toml` is what is trained and developed on; `held.toml` what the index is tuned and reported on, fetched only so
that mining can drop copies of its code.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tomllib
from pathlib import Path

_LISTS = ("corpus.toml", "held.toml")


def download(registry: str, specifier: str, folder: Path) -> None:
    """Downloads one archive without its dependencies and without running anything of it."""
    folder.mkdir(parents=True, exist_ok=True)
    if registry == "pypi":
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", specifier]
    else:
        command = ["npm", "pack", "--silent", "--ignore-scripts", specifier]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def main(archives: Path) -> None:
    """Fetches what is missing; stops at the first archive that is not the pinned one."""
    here = Path(__file__).parent
    for package in (
        package for name in _LISTS for package in tomllib.loads((here / name).read_text(encoding="utf-8"))["package"]
    ):
        file = archives / package["file"]
        if not file.exists():
            separator = "==" if package["registry"] == "pypi" else "@"
            download(package["registry"], f"{package['name']}{separator}{package['version']}", file.parent)
        if hashlib.sha256(file.read_bytes()).hexdigest() != package["sha256"]:
            sys.exit(f"{file} is not the archive that was pinned")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
