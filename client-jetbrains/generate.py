"""Write what the JetBrains client repeats of the server: which files belong to which language, and the commands.

python client-jetbrains/generate.py           write what has changed
python client-jetbrains/generate.py --check   write nothing; exit status 1 names the files that are stale
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from xml.sax.saxutils import quoteattr

from zicoder.commands.builtin import COMMANDS
from zicoder.text import LANGUAGES, language_of

HERE = Path(__file__).parent
SERVER_ID = "zi"
PLUGIN = Path("src/main/resources/META-INF/plugin.xml")
TEMPLATE = Path("lsp4ij-template/template.json")
ACTION = "dev.zicoder.jetbrains.ZiCommandAction"
CONTROLS = {
    "zi.whyNoSuggestion": "Why No Suggestion?",
    "zi.snooze": "Snooze Suggestions",
    "zi.resume": "Resume Suggestions",
    "zi.toggleSuggestions": "Toggle Suggestions",
    "zi.restartEngine": "Restart Engine",
    "zi.forgetHistory": "Forget Suggestion History",
}
"""Commands of the server that take no arguments, as a menu names them."""
WHOLE_NAMES = (
    "Brewfile", "CMakeLists.txt", "Containerfile", "Dockerfile", "GNUmakefile", "Gemfile", "Makefile", "Pipfile",
    "Podfile", "Rakefile", "Vagrantfile", "makefile",
)  # fmt: skip
"""Files that no ending tells, as people write them: the IDE tells capitals apart."""


def patterns() -> dict[str, list[str]]:
    """File name patterns by language identifier, as the server tells languages."""
    found: dict[str, list[str]] = {}
    for ending, language in LANGUAGES.items():
        found.setdefault(language, []).append(f"*.{ending}")
    for name in WHOLE_NAMES:
        found[language_of(PurePath(name))].append(name)
    return {language: sorted(found[language]) for language in sorted(found)}


def template() -> str:
    """The LSP4IJ template."""
    mappings = [{"fileType": {"patterns": each}, "languageId": language} for language, each in patterns().items()]
    document = {"id": SERVER_ID, "name": "Zi Coder", "programArgs": {"default": "zi lsp"}, "fileTypeMappings": mappings}
    return json.dumps(document, indent=2) + "\n"


def mappings() -> Iterator[str]:
    """The plug-in's language mappings."""
    for language, each in patterns().items():
        names = quoteattr(";".join(each))
        yield f'<fileNamePatternMapping patterns={names} serverId="{SERVER_ID}" languageId={quoteattr(language)}/>'


def actions() -> Iterator[str]:
    """An action for each command; its id is the command's id."""
    for command in COMMANDS:
        yield _action(f"zi.command.{command.name}", f"/{command.name}", f"{command.title}.")
    for identity, title in CONTROLS.items():
        yield _action(identity, title, "")


def _action(identity: str, title: str, description: str) -> str:
    more = f" description={quoteattr(description)}" if description else ""
    return f'<action id="{identity}" class="{ACTION}" text={quoteattr(title)}{more}/>'


def plugin(before: str) -> str:
    """plugin.xml with its marked parts written anew."""
    for name, lines in (("mappings", mappings()), ("actions", actions())):
        pattern = rf"([ \t]*)<!-- {name}: written by generate.py -->\n.*?<!-- end -->"

        def part(found: re.Match[str], name: str = name, lines: Iterator[str] = lines) -> str:
            head = f"{found[1]}<!-- {name}: written by generate.py -->"
            return "\n".join((head, *(f"{found[1]}{line}" for line in lines), f"{found[1]}<!-- end -->"))

        before = re.sub(pattern, part, before, flags=re.DOTALL)
    return before


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args(arguments).check
    stale = 0
    for path, after in ((TEMPLATE, template()), (PLUGIN, plugin((HERE / PLUGIN).read_text(encoding="utf-8")))):
        file = HERE / path
        if file.exists() and file.read_text(encoding="utf-8") == after:
            continue
        stale += 1
        sys.stdout.write(f"{'stale' if check else 'written'}: {path}\n")
        if not check:
            file.write_text(after, encoding="utf-8", newline="\n")
    return int(check and stale > 0)


if __name__ == "__main__":
    sys.exit(main())
