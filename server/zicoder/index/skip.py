"""Which files and folders are no use in an index: judged by their names, or by the bytes at a file's beginning.

Owns the reasons and the lists behind them. It never touches the disk; ignore rules and links are `walk`'s.
"""

from __future__ import annotations

import codecs
import re
from enum import StrEnum

__all__ = ["HEAD_BYTES", "OUTPUT", "OUTPUT_BESIDE", "OUTPUT_WITH", "Skip", "content_reason", "name_reason"]

HEAD_BYTES = 32 << 10
"""How much of a file `content_reason` looks at; more is not read."""


class Skip(StrEnum):
    """Why a file or a folder is not in the index."""

    IGNORED = "ignored"  # by a rule, or a folder that is evidently output; what is inside is not counted
    BINARY = "binary"
    MINIFIED = "minified"
    GENERATED = "generated"
    LOCK_FILE = "lock_file"
    TOO_LARGE = "too_large"
    DATA = "data"
    SECRET = "secret"  # noqa: S105 - a shared index and a prompt are no places for a key
    UNREADABLE = "unreadable"  # no permission, or no regular file: pipe, socket, device
    LINK = "link"  # its target is indexed already, or lies outside the project
    NAME = "name"  # not text in any encoding we could hand on
    VANISHED = "vanished"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


OUTPUT = _words(
    ".hg .svn .jj CVS .zicoder node_modules bower_components .venv venv __pycache__ __pypackages__ .tox .nox .eggs"
    " .mypy_cache .pytest_cache .ruff_cache .hypothesis .pyre .pytype .ipynb_checkpoints .next .nuxt .svelte-kit"
    " .turbo .parcel-cache .angular .nyc_output .gradle .dart_tool .terraform .bloop .metals .bsp .idea .vs"
)
"""Folders of these names hold nothing that a person wrote for the project."""

OUTPUT_BESIDE = {
    "target": frozenset({"Cargo.toml", "pom.xml", "build.sbt"}),
    "build": frozenset({"build.gradle", "build.gradle.kts", "CMakeLists.txt", "setup.py", "pyproject.toml", "pom.xml"}),
    "dist": frozenset({"package.json", "pyproject.toml", "setup.py"}),
    "out": frozenset({"build.gradle", "build.gradle.kts", "next.config.js", "next.config.mjs"}),
    "obj": frozenset({"packages.config", "Directory.Build.props"}),
    "_build": frozenset({"mix.exs", "dune-project", "rebar.config", "conf.py"}),
    "Pods": frozenset({"Podfile"}),
}
"""Folders that are output beside one of these files; elsewhere `build` may well be source."""

OUTPUT_WITH = frozenset({"CACHEDIR.TAG", "pyvenv.cfg", "CMakeCache.txt", "project.assets.json"})
"""A folder that holds one of these is a cache, a virtual environment or a build."""

_LOCK_FILES = _words(
    "package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock bun.lockb deno.lock cargo.lock poetry.lock"
    " uv.lock pdm.lock pixi.lock pipfile.lock pylock.toml conda-lock.yml composer.lock gemfile.lock go.sum go.work.sum"
    " flake.lock gradle.lockfile packages.lock.json project.assets.json mix.lock pubspec.lock podfile.lock"
    " package.resolved cartfile.resolved buf.lock .terraform.lock.hcl module.bazel.lock"
    " paket.lock conan.lock stack.yaml.lock cabal.project.freeze"
)

# Tables, translations, logs and patches: large, repetitive, and they hold words of the code without being it.
# Notebooks: JSON around code, mostly outputs; until a chunker reads their cells they would only add noise.
_DATA = _words(
    "po pot svg csv tsv map ipynb jsonl ndjson geojson topojson arff vcf log patch diff rej orig snap cast har drawio"
    " excalidraw ics vcard srt vtt bib ris pgn stl obj gltf fasta fastq tfstate plist strings xlf xliff resx"
)
_BINARY = _words(
    "png jpg jpeg gif bmp ico icns webp avif tif tiff psd xcf heic mp3 mp4 m4a wav flac ogg opus avi mov mkv webm"
    " pdf doc docx xls xlsx ppt pptx odt ods odp epub mo zip gz tgz bz2 xz zst 7z rar tar jar war ear aar apk ipa dmg"
    " iso deb rpm whl egg nupkg vsix exe dll so dylib a o obj lib pdb class pyc pyo pyd wasm beam bin dat db sqlite"
    " sqlite3 mdb parquet feather arrow orc avro npy npz pkl pickle h5 hdf5 onnx pt pth ckpt safetensors gguf tflite"
    " ttf otf woff woff2 eot jks keystore p12 pfx der swf blend fbx glb lance pack idx rlib rmeta node"
)
_SECRETS = _words("pem key ppk kdbx gpg asc")
_SECRET_NAMES = re.compile(r"\.env(\.(?!example|sample|template|dist).*)?|id_(rsa|dsa|ecdsa|ed25519)|\.netrc|\.pgpass")
_MINIFIED = re.compile(r".*[.-]min\.(js|mjs|cjs|css)|.*\.bundle\.js")
_GENERATED = re.compile(
    r".*(_pb2(_grpc)?\.pyi?|\.pb\.(go|cc|h|swift)|_pb\.(js|d\.ts)|\.g\.(dart|cs)|\.g\.i\.cs|\.freezed\.dart"
    r"|\.designer\.(cs|vb)|\.generated\.\w+|_generated\.\w+|\.tsbuildinfo)"
)


def name_reason(name: str) -> Skip | None:
    """Judges a file by the last part of its path."""
    name = name.lower()
    extension = name[name.rfind(".") + 1 :] if "." in name else ""
    if name in _LOCK_FILES:
        return Skip.LOCK_FILE
    if extension in _BINARY:
        return Skip.BINARY
    if extension in _DATA:
        return Skip.DATA
    if extension in _SECRETS or _SECRET_NAMES.fullmatch(name):
        return Skip.SECRET
    if _MINIFIED.fullmatch(name):
        return Skip.MINIFIED
    return Skip.GENERATED if _GENERATED.fullmatch(name) else None


_WIDE = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONTROL = bytes(set(range(32)) - set(b"\t\n\v\f\r\b\x1b")) + b"\x7f"
_LFS = b"version https://git-lfs.github.com/spec/"

_HEADER_LINES = 24
_COMMENT = re.compile(rb"\s*(?:#|//|/\*|\*|--|;|%|<!--|<#|\"\"\"|'''|\{-|\(\*|@?rem\b|dnl\b|\.\.\s)", re.IGNORECASE)
_SAYS_GENERATED = re.compile(
    rb"@generated\b|<auto-?generated|code generated by|generated by the protocol buffer compiler"
    rb"|this (?:file|code|module|header) (?:is|was|has been) (?:auto[- ]?|automatically )generated",
    re.IGNORECASE,
)
_DO_NOT_EDIT = re.compile(rb"do not (?:edit|modify|change)", re.IGNORECASE)

_LINE = 300  # bytes a line on average. Hand-written code has 25 to 45, the widest tables we saw have 150.
_PROSE_LINE = 3000  # a paragraph may be one line
_PROSE = _words("md markdown mdx rst txt adoc asciidoc tex org html htm")
_FEW_BYTES = 2000  # a short file is harmless, however it is laid out


def content_reason(path: str, head: bytes) -> Skip | None:
    """Judges a file by its first `HEAD_BYTES` bytes (all of it, if it is shorter); `path` says what it claims to be."""
    head = head[:HEAD_BYTES].removeprefix(codecs.BOM_UTF8)
    if not head.startswith(_WIDE):
        if b"\0" in head or len(head) - len(head.translate(None, _CONTROL)) > len(head) // 20:
            return Skip.BINARY
        if head.startswith(_LFS):
            return Skip.DATA
    else:
        head = head.replace(b"\0", b"")  # near enough for the two questions below
    extension = path[path.rfind(".") + 1 :].lower()
    lines = sum(1 for line in head.splitlines() if line.strip())
    if len(head) >= _FEW_BYTES and len(head) / max(lines, 1) > (_PROSE_LINE if extension in _PROSE else _LINE):
        return Skip.MINIFIED
    return Skip.GENERATED if _is_generated(head) else None


def _is_generated(head: bytes) -> bool:
    """Whether the comments at the top say so. Code that writes such a header has it in a string further down."""
    comments = b"\n".join(line for line in head.split(b"\n", _HEADER_LINES)[:_HEADER_LINES] if _COMMENT.match(line))
    if _SAYS_GENERATED.search(comments):
        return True
    return _DO_NOT_EDIT.search(comments) is not None and b"generated" in comments.lower()
