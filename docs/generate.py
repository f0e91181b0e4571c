"""Write the pages, and the part of the VS Code client's manifest, that say what the code already says.

    python docs/generate.py           write what has changed
    python docs/generate.py --check   write nothing; exit status 1 names the files that are stale

Sources: the settings schema, the command line's own help, the model catalog. Never edit the results by hand.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import typer.main

from zicoder.cli import app
from zicoder.commands.builtin import COMMANDS
from zicoder.models.catalog import HubSource, ModelEntry, WheelSource, load_catalog
from zicoder.models.fim import TEMPLATES
from zicoder.models.partial import human_bytes
from zicoder.models.store import INFILL_PREFERENCE
from zicoder.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
MANIFEST = Path("client-vscode/package.json")
NOTE = "<!-- Written by docs/generate.py; change the code it reads instead. -->"

# --- settings


def sections() -> Iterator[tuple[str, str, dict[str, dict[str, Any]]]]:
    """Each section of the schema: name, description, and the JSON schema of its keys."""
    for name, info in Settings.model_fields.items():
        kind: Any = info.annotation
        yield name, kind.__doc__, kind.model_json_schema()["properties"]


def settings_page() -> str:
    parts = [NOTE, SETTINGS_INTRO]
    for section, description, keys in sections():
        parts += [
            f"## {section}\n\n{description}",
            table(
                ("Setting", "Type", "Default", "Allowed", "Environment variable", "In a project file", "Description"),
                (setting_row(section, key, schema) for key, schema in keys.items()),
            ),
        ]
    return page(parts)


def setting_row(section: str, key: str, schema: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"`zi.{section}.{key}`",
        type_of(schema),
        f"`{json.dumps(schema['default'])}`",
        allowed(schema),
        f"`ZI_{section}__{key}`".upper(),
        "ignored" if schema.get("user_only") else "adds to the list" if schema.get("adds") else "yes",
        schema["description"],
    )


def type_of(schema: dict[str, Any]) -> str:
    return f"list of {schema['items']['type']}s" if schema["type"] == "array" else schema["type"]


def allowed(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "minimum" in schema or "maximum" in schema:
        return f"{schema.get('minimum', '')} to {schema.get('maximum', '')}"
    return "any"


SETTINGS_INTRO = """\
# Settings

One schema serves every source. A later source wins over an earlier one, key by key:

1. the defaults below;
2. your own `settings.toml` (`zi doctor` says where it is; `ZI_CONFIG_DIR` moves its folder);
3. the project's `.zicoder/settings.toml`;
4. environment variables, `ZI_SECTION__KEY`; a list is written as JSON: `ZI_MODEL__SOURCES='["/media/stick"]'`;
5. the editor, where every key begins with `zi.`.

```toml
# settings.toml
[completion]
disabled_languages = ["markdown"]

[engine]
threads = 2
```

- A value that an editor sends and that equals the default counts as not set
  ([why](decisions/0005-editor-defaults-are-not-settings.md)).
- A project is not trusted: settings that name executables or files outside it are ignored in its file, with a message.
- A key that does not exist, a value that does not fit or a file that is not TOML is named (file, line, nearest right
  key) and left out; everything else still counts.
- `.env` files are never read.

Four more environment variables move folders: `ZI_CONFIG_DIR` (your `settings.toml`), `ZI_DATA_DIR` (models),
`ZI_CACHE_DIR` (code indexes), `ZI_LOG_DIR` (logs)."""

# --- command line


def cli_page() -> str:
    parts = [NOTE, CLI_INTRO]
    for path, command in commands(typer.main.get_command(app), "zi"):
        parts += [f"## {path}", command.help, f"```text\n{usage(path, command)}\n```"]
        rows = [parameter_row(parameter) for parameter in command.params]
        if rows:
            parts.append(table(("Argument or option", "Meaning"), rows))
    return page(parts)


def commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """A command, then everything below it."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, f"{path} {name}")


def usage(path: str, command: Any) -> str:
    options = ["[OPTIONS]"] if any(p.param_type_name == "option" for p in command.params) else []
    arguments = [name_of(p) for p in command.params if p.param_type_name == "argument"]
    return " ".join([path, *options, *arguments, *(["COMMAND"] if hasattr(command, "commands") else [])])


def name_of(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return parameter.metavar or parameter.name.upper()
    value = "" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"
    return ", ".join(parameter.opts) + value


def parameter_row(parameter: Any) -> tuple[str, str]:
    repeated = " May be given several times." if getattr(parameter, "multiple", False) else ""
    return f"`{name_of(parameter)}`", f"{parameter.help}{repeated}"


CLI_INTRO = """\
# The command line

`zi`, or `python -m zicoder`, which is the same. Every command explains itself with `--help`.

Exit status: 0 ok, 1 failed, 2 wrong usage. With `--json`, standard output holds one JSON document and nothing else; a
failure is a document too: `{"error": {"message": "…", "hint": "…"}}`. Progress and messages go to standard error."""

# --- /commands


def commands_page() -> str:
    parts = [NOTE, COMMANDS_INTRO]
    for command in COMMANDS:
        parts += [f"## /{command.name}", f"{command.title}.", f"```text\n{command.usage}\n```", command.details]
    return page([part for part in parts if part])


COMMANDS_INTRO = """\
# /commands

The same in every front end: `zi run "/…"`, `zi chat`, and `zi.run` in an editor ([lsp.md](lsp.md)). Text without a
slash is a question, `/ask`. Options stand first, the rest of the line is the prompt.

In a prompt, `@` points at things: `@path/to/file.py`, `@file.py:10-20`, `@folder/`, `@symbol:Name`, `@diff`,
`@problems`, `@selection`. What the model is shown is told by `zi run --show-context`.

Edits are shown as a diff and applied by the editor, or after a yes at the terminal; `/undo` takes them back. Commands
of the shell run in a sandbox where there is one, and are asked for ([agents.md](agents.md)).

Your own command is a Markdown file in `.zicoder/commands/`: its name is the command's, its text the prompt, in which
`{prompt}` stands for what is written behind the command. A head between two lines of `---` may give a `title` and a
`role`."""

# --- models


def models_page() -> str:
    catalog = load_catalog()
    rows = (
        (
            f"`{entry.name}`",
            entry.parameters,
            human_bytes(entry.size),
            f"{entry.context_tokens:,}",
            fills_in(entry),
            ", ".join(entry.good_for),
            entry.licence,
            entry.summary,
        )
        for entry in catalog.values()
    )
    heads = ("Name", "Parameters", "Download", "Context, tokens", "Fills in the middle", "For", "Licence", "Notes")
    order = ", ".join(f"`{name}`" for name in INFILL_PREFERENCE)
    parts = [NOTE, MODELS_INTRO.replace("ORDER", order), table(heads, rows), SOURCES_INTRO]
    parts += [model_details(entry) for entry in catalog.values()]
    templates = [
        (f"`{name}`", *(f"`{token}`" for token in (t.prefix, t.suffix, t.middle))) for name, t in TEMPLATES.items()
    ]
    parts += [TEMPLATES_INTRO, table(("Template", "Prefix", "Suffix", "Middle"), templates)]
    return page(parts)


def fills_in(entry: ModelEntry) -> str:
    if entry.good_for == ("embedding",):
        return "writes nothing"
    return f"yes (`{entry.fim}`)" if entry.fim else "no, only left to right"


def model_details(entry: ModelEntry) -> str:
    lines = [
        f"### {entry.name}\n",
        f"- File: `{entry.file}`, {entry.size:,} bytes",
        f"- SHA-256: `{entry.sha256}`",
    ]
    for source in entry.sources:
        match source:
            case HubSource():
                lines.append(f"- Hub: `{source.repo}` at `{source.revision[:12]}`")
            case WheelSource(pieces=pieces):
                last = f" … `{pieces[-1].requirement}` ({len(pieces)} pieces)" if len(pieces) > 1 else ""
                lines.append(f"- Python package index, as data: `{pieces[0].requirement}`{last}")
    return "\n".join(lines)


MODELS_INTRO = """\
# Models

`zi model list` shows these and what is installed; `zi model pull NAME` fetches one. The setting `zi.model.infill`
chooses: a name below, the path of any GGUF file, or `auto`, which takes the first of these that is installed:
ORDER; where several are, [a measurement of your machine](completion.md#which-model) decides. A model for
embedding is used by the [code index](code-index.md) as soon as it is installed."""

SOURCES_INTRO = """\
## Where the bytes come from

A model is its SHA-256 ([why](decisions/0002-content-addressed-store.md)). `zi model pull` tries, in order: the files
and folders given with `--from` and in `zi.model.sources`, then the sources below. What arrives is hashed on its way;
bytes that are not the model's are deleted, and the next source is tried. Packages of the Python package index are read
as zip archives; they are never installed or imported."""

TEMPLATES_INTRO = """\
## Fill-in-the-middle templates

The engine writes prompts in the order prefix, suffix, middle. A catalog entry names one of these templates; when the
model is loaded, each of its three tokens must exist as a control token, or the model is refused with a sentence that
names the missing one. A GGUF file that is not in the catalog uses the tokens its own vocabulary marks as
fill-in-the-middle tokens, and writes left to right where there are none."""

# --- the VS Code client's manifest


def manifest(text: str) -> str:
    """The manifest with the settings of the server's sections replaced, where the first of them stood."""
    document = json.loads(text)
    generated = {
        f"zi.{section}.{key}": manifest_property(section, schema)
        for section, _, keys in sections()
        for key, schema in keys.items()
    }
    ours = tuple(f"zi.{section}." for section, _, _ in sections())
    slashed(document["contributes"])
    configuration = document["contributes"]["configuration"]
    kept = {key: value for key, value in configuration["properties"].items() if not key.startswith(ours)}
    configuration["properties"] = kept | generated
    untrusted = document["capabilities"]["untrustedWorkspaces"]
    others = [key for key in untrusted["restrictedConfigurations"] if not key.startswith(ours)]
    private = [
        f"zi.{section}.{key}"
        for section, _, keys in sections()
        for key, schema in keys.items()
        if schema.get("user_only") or schema.get("adds")
    ]
    untrusted["restrictedConfigurations"] = others + private
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


PALETTE_ICONS = {
    "agents": "organization", "ask": "comment", "clear": "clear-all", "code": "code", "commit": "git-commit",
    "doc": "book", "explain": "question", "fix": "wrench", "help": "info", "history": "history", "index": "database",
    "model": "chip", "optimize": "dashboard", "plan": "checklist", "refactor": "symbol-structure", "review": "eye",
    "run": "terminal", "search": "search", "test": "beaker", "undo": "discard", "workflow": "type-hierarchy",
}  # fmt: skip
OF_AN_EDITOR = ("explain", "fix", "doc", "refactor", "optimize", "test", "review")
"""In the order of the editor's menu."""
CHANGING = {"code", "commit", "doc", "fix", "optimize", "refactor", "run", "test", "undo", "workflow"}
"""They need trust in the workspace."""


def slashed(contributes: dict[str, Any]) -> None:
    """Put the /commands into the client's palette and menus, each in the place of what stood there of it."""
    prefix = "zi.chat."
    others = [entry for entry in contributes["commands"] if not entry["command"].startswith(prefix)]
    contributes["commands"] = others + [
        {
            "command": f"{prefix}{command.name}",
            "title": command.name.capitalize(),
            "shortTitle": f"/{command.name}",
            "category": "Zi",
            "icon": f"$({PALETTE_ICONS.get(command.name, 'sparkle')})",
            "enablement": " && ".join(conditions(command.name)),
        }
        for command in COMMANDS
    ]
    contributes["menus"]["zi.editor"] = [
        {"command": f"{prefix}{name}", "group": f"{'1_look' if name in {'explain', 'review'} else '2_change'}@{place}"}
        for place, name in enumerate(OF_AN_EDITOR, 1)
    ]


def conditions(name: str) -> Iterator[str]:
    yield "zi.serverRunning"
    if name in OF_AN_EDITOR:
        yield "editorIsOpen"
    if name in CHANGING:
        yield "isWorkspaceTrusted"


def manifest_property(section: str, schema: dict[str, Any]) -> dict[str, Any]:
    facts = {key: schema[key] for key in ("type", "default", "enum", "minimum", "maximum", "items") if key in schema}
    # A workspace may choose its interpreter, but not where its own code is sent (a model may be on a server), or what
    # agents may do.
    wide = "machine-overridable" if section == "python" else "machine"
    scope = wide if schema.get("user_only") or schema.get("adds") else "window"
    return {**facts, "scope": scope, "markdownDescription": schema["description"]}


# --- writing


def table(heads: Sequence[str], rows: Iterator[tuple[str, ...]] | Sequence[tuple[str, ...]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def page(parts: Sequence[str]) -> str:
    return "\n\n".join(part.strip() for part in parts) + "\n"


PAGES: dict[Path, Callable[[], str]] = {
    Path("docs/settings.md"): settings_page,
    Path("docs/cli.md"): cli_page,
    Path("docs/commands.md"): commands_page,
    Path("docs/models.md"): models_page,
}


def wanted() -> Iterator[tuple[Path, str]]:
    """Every generated file, relative to the checkout, with the text it should have."""
    for path, make in PAGES.items():
        yield path, make()
    try:
        text = (ROOT / MANIFEST).read_text(encoding="utf-8")
    except FileNotFoundError:
        print(f"{MANIFEST} does not exist; skipped.")
    else:
        yield MANIFEST, manifest(text)


def is_stale(path: Path, text: str) -> bool:
    try:
        return (ROOT / path).read_text(encoding="utf-8") != text
    except FileNotFoundError:
        return True


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write the generated documentation.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is stale")
    check = parser.parse_args(arguments).check
    stale = [(path, text) for path, text in wanted() if is_stale(path, text)]
    for path, text in stale:
        if check:
            print(f"{path} is stale; run `make docs`.", file=sys.stderr)
        else:
            (ROOT / path).write_text(text, encoding="utf-8", newline="\n")
            print(f"{path} written.")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
