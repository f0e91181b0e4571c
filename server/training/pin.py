"""Writes corpus.toml and held.toml from downloaded archives: `pin.py ARCHIVES`. Only permissive licences get in.

ARCHIVES holds `train/`, `dev/` and `held/` with wheels and npm tarballs; what is held goes to held.toml.
"""

from __future__ import annotations

import email
import hashlib
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PERMISSIVE = re.compile(r"\b(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|0BSD|Unlicense|CC0|Zlib|BlueOak)", re.I)
_COPYLEFT = re.compile(r"\b(A?L?GPL|MPL|Mozilla|EPL|GNU|CDDL|EUPL|CC-BY|commercial|proprietary)", re.I)


def licence_of_wheel(path: Path) -> tuple[str, str, str]:
    """(name, version, licence) from a wheel's metadata."""
    with zipfile.ZipFile(path) as wheel:
        name = next(n for n in wheel.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", n))
        meta = email.message_from_bytes(wheel.read(name))
    classifiers = [c.rsplit("::", 1)[1].strip() for c in meta.get_all("Classifier", []) if c.startswith("License ::")]
    stated = str(meta["License-Expression"] or "")
    if not stated:
        stated = ", ".join(c for c in classifiers if c != "OSI Approved")
    if not stated:
        stated = str(meta["License"] or "").strip().split("\n")[0][:60]
    return str(meta["Name"]).lower(), str(meta["Version"]), stated


def licence_of_tarball(path: Path) -> tuple[str, str, str]:
    """(name, version, licence) from an npm package's package.json."""
    with tarfile.open(path) as tarball:
        member = next(m for m in tarball if re.fullmatch(r"[^/]+/package\.json", m.name))
        stream = tarball.extractfile(member)
        meta: dict[str, Any] = json.load(stream) if stream else {}
    licence: Any = meta.get("license") or meta.get("licenses") or ""
    return meta["name"], meta["version"], licence if isinstance(licence, str) else json.dumps(licence)


def entries(archives: Path, splits: tuple[str, ...]) -> Iterator[str]:
    """TOML tables of the archives that may be used."""
    for split in splits:
        for path in sorted((archives / split).iterdir()):
            registry = "pypi" if path.suffix == ".whl" else "npm"
            name, version, licence = licence_of_wheel(path) if registry == "pypi" else licence_of_tarball(path)
            if not _PERMISSIVE.search(licence) or (_COPYLEFT.search(licence) and " OR " not in licence):
                sys.stderr.write(f"left out: {name} ({licence})\n")
                continue
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            values = {
                "registry": registry,
                "name": name,
                "version": version,
                "licence": licence,
                "split": split,
                "file": f"{split}/{path.name}",
                "sha256": digest,
            }
            yield "[[package]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())


if __name__ == "__main__":
    for name, splits in (("corpus", ("dev", "train")), ("held", ("held",))):
        tables = "\n".join(entries(Path(sys.argv[1]), splits))
        text = f"# Written by pin.py, fetched again by fetch.py.\n\n{tables}"
        (Path(__file__).parent / f"{name}.toml").write_text(text, encoding="utf-8")
