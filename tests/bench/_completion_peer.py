"""The prompt and stop rules of the llama.vim and llama.vscode design, over the same model file: the peer's row.

Written from its public description (llama.vim's `:help llama`, llama.cpp's pull requests 9787 and 9874 and the
documentation of the server's `/infill`): 256 lines before and 64 after the cursor, cut to 768 and 256 tokens by a batch
of 1,024; the cursor's line, up to the cursor, behind FIM_MIDDLE; before all that up to 16 chunks of at most 64 lines
that were picked where the user has been. Sampling is top_k 40, top_p 0.99 and the `infill` sampler, of whose result the
likeliest token is taken instead of a random one, so that a run can be repeated. Its limits in milliseconds are left
out for the same reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from tests.bench._completion_holes import Hole, source_files

__all__ = ["N_CTX", "pick_ring", "request", "shown", "tokens"]

N_PREFIX, N_SUFFIX = 256, 64
N_CHUNKS, CHUNK_LINES, SCOPE = 16, 64, 1024
SIMILAR = 0.9
N_PREDICT, N_BATCH, N_CTX = 128, 1024, 8192

Chunk = dict[str, str]


def pick_ring(hole: Hole, root: Path) -> list[Chunk]:
    """The chunks of a user who comes to this file after some others: one piece out of each, and two of this file.

    The description picks around the cursor when a file is entered, left or saved, and far from it in the file at hand.
    Where the user has been is ours to say: in the files next to this one, which helps the peer more than any others.
    The chunks of other files are the same for all holes of a file, as they would be in a session, and come first.
    """
    random = Random(f"ring {hole.package} {hole.path}")
    folder = hole.path.rpartition("/")[0]
    others = [name for name in source_files(root, hole.language) if name != hole.path]
    random.shuffle(others)
    others.sort(key=lambda name: -_common(folder, name.rpartition("/")[0]))
    ring: list[list[str]] = []
    names: list[str] = []
    for name in reversed(others[: N_CHUNKS - 2]):
        lines = (root / name).read_text(encoding="utf-8", errors="replace").split("\n")
        _add(ring, names, name, _piece(lines, random))
    random = Random(f"ring {hole.name}")
    row = hole.position[0]
    lines = hole.punched.split("\n")
    _add(ring, names, hole.path, _piece(lines[max(0, row - SCOPE) : max(0, row - N_PREFIX)], random))
    _add(ring, names, hole.path, _piece(lines[row + 1 + N_SUFFIX : row + 1 + N_SUFFIX + CHUNK_LINES], random))
    return [{"filename": name, "text": "\n".join(lines) + "\n"} for name, lines in zip(names, ring, strict=True)][
        -N_CHUNKS:
    ]


def _common(one: str, other: str) -> int:
    """Folders that two paths share from the top."""
    pairs = zip(one.split("/"), other.split("/"), strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(one.count("/"), other.count("/")) + 1)


def _piece(lines: Sequence[str], random: Random) -> list[str]:
    """Of a text that is longer than a chunk, half a chunk's lines at random."""
    if len(lines) < CHUNK_LINES:
        return list(lines)
    start = random.randrange(len(lines) - CHUNK_LINES // 2 + 1)
    return list(lines[start : start + CHUNK_LINES // 2])


def _add(ring: list[list[str]], names: list[str], name: str, chunk: list[str]) -> None:
    """Add a chunk, and evict those that are very similar; very small ones are not taken."""
    if len(chunk) < 3:
        return
    for n in reversed(range(len(ring))):
        if _similarity(ring[n], chunk) > SIMILAR:
            del ring[n], names[n]
    ring.append(chunk)
    names.append(name)


def _similarity(one: Sequence[str], other: Sequence[str]) -> float:
    """Share of equal lines (the Dice coefficient)."""
    return 2 * sum(line in other for line in one) / (len(one) + len(other))


def request(hole: Hole, ring: Sequence[Chunk]) -> dict[str, Any]:
    """What the plug-in would send for the cursor at the hole. A line of spaces only starts at its first column."""
    before, after = hole.prefix.split("\n"), hole.suffix.split("\n")
    middle, rest = before[-1], after[0]
    if not (middle + rest).strip():
        middle = rest = ""
    return {
        "style": "peer",
        "extra": list(ring),
        "prefix": "\n".join(before[:-1][-N_PREFIX:]) + "\n",
        "suffix": "\n".join([rest, *after[1 : 1 + N_SUFFIX]]) + "\n",
        "prompt": middle,
        "max_tokens": N_PREDICT,
        "indent": len(middle) - len(middle.lstrip()),
        "stop_at_line": hole.kind != "block",
    }


def tokens(asked: dict[str, Any], tokenize: Callable[[str], list[int]], marks: dict[str, int]) -> list[int]:
    """The prompt as the server of llama.cpp lays it out for a model with marks for repositories and files."""
    prompt = tokenize(asked["prompt"])
    prefix = tokenize(asked["prefix"])[-3 * (N_BATCH // 4) :]
    suffix = tokenize(asked["suffix"])[: max(0, N_BATCH // 4 - 2 - len(prompt))]
    extra = [marks["repo"], *tokenize("myproject\n")]
    for chunk in asked["extra"]:
        extra += [marks["file"], *tokenize(f"{chunk['filename']}\n{chunk['text']}")]
    extra += [marks["file"], *tokenize("filename\n")]
    extra = extra[-(N_CTX - N_BATCH - 2 * N_PREDICT) :]
    return [*extra, marks["prefix"], *prefix, marks["suffix"], *suffix, marks["middle"], *prompt]


def shown(answer: str, hole: Hole) -> str:
    """The plug-in's own rules for what it would only repeat: the rest of the line, or the lines below."""
    lines = answer.split("\n")
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        return ""
    before, after = hole.prefix.rpartition("\n")[2], hole.suffix.split("\n")
    if not (before + after[0]).strip():  # as much of the indentation as stands there already
        held = min(len(lines[0]) - len(lines[0].lstrip()), len(before))
        lines[0] = lines[0][held:]
    below = after[1:]
    while below and not below[0].strip():
        del below[0]
    if lines == [after[0]] or (lines[0] == "" and lines[1:] == after[1 : len(lines)]):
        return ""
    if below and before + lines[0] == below[0]:
        rest = below[1 : len(lines)]
        if len(lines) == 1 or lines[1:] == rest or (len(lines) == 2 and rest and rest[0].startswith(lines[1])):
            return ""
    return "\n".join(lines)
