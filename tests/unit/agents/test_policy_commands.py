"""What is understood of a command line, and which ones nothing may run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zicoder.agents.command_line import parse
from zicoder.agents.danger import harm, refusal

ROOT = Path("/home/somebody/projects/shop")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("pytest -q tests", [("pytest", "-q", "tests")]),
        ("echo 'a; b' \"c d\" e\\ f", [("echo", "a; b", "c d", "e f")]),
        ("a && b | c; d", [("a",), ("b",), ("c",), ("d",)]),
        ("make 2>&1 >/dev/null", [("make",)]),
        ("echo a\necho b", [("echo", "a"), ("echo", "b")]),
    ],
)
def test_simple_commands_are_told_apart(line: str, words: list[tuple[str, ...]]):
    understood = parse(line, windows=False)
    assert understood.plain
    assert [command.words for command in understood.commands] == words


@pytest.mark.parametrize(
    "line",
    [
        "echo $HOME", "echo `id`", 'echo "$(id)"', "echo $(id)", "(cd x; ls)", "ls *.py", "ls [ab]", "a {b,c}", "a & b",
        "cat <<END\nx\nEND", "diff <(a) <(b)", "for f in a b; do c; done", "ls # comment", "! a", "a &&",
        "; a", "a ||| b",
        "echo 'open", "a \\", "ls ~root", "[[ a ]]", "X=1 make", "ls > out.txt", "cat < in.txt", "a\x00b",
        "a\x1b[2J", "",
        "echo \"a\\\"b\"", ". ./script", "time make",
    ],
)  # fmt: skip
def test_whatever_is_not_quite_clear_is_not_plain(line: str):
    assert not parse(line, windows=False).plain


def test_windows_lines_are_plain_only_without_signs():
    assert parse("python -m pytest tests\\unit", windows=True).plain
    assert not parse("type a.txt & del b.txt", windows=True).plain
    assert not parse("echo %PATH%", windows=True).plain


@pytest.mark.parametrize(
    "line",
    [
        "rm -rf /", "rm -rf /*", "rm -fr ~", "sudo rm -r -f /", "rm -rf $HOME", 'rm -rf "${HOME}/"', "cd / && rm -rf *",
        "sh -c 'rm -rf /'", "bash -lc \"rm -rf ~/\"", "echo $(rm -rf /)", "true; \\rm -rf /",
        "env A=1 rm -rf /", "rm -rf ..",
        "xargs rm -rf / < list", "/bin/rm --recursive --force /", "rm -rf .", "rm -rf ./*", "rm -rf ../../..",
        "rm -rf /etc",
        "find / -delete", "chmod -R 777 /", "mkfs.ext4 /dev/sda1", "dd if=/dev/zero of=/dev/sda",
        ":(){ :|:& };:", "eval rm -rf /",
        "for x in 1; do rm -rf /; done", "rm -rf --no-preserve-root x", "shutdown -h now", "rd /s /q C:\\",
        "del /s /q C:\\*",
        "rm -rf \\\n /", "nice -n 5 rm -rf /", "echo x > /dev/sda",
    ],
)  # fmt: skip
def test_what_ruins_the_machine_is_refused(line: str):
    assert refusal(parse(line, windows=False), ROOT)


@pytest.mark.parametrize(
    "line",
    [
        "rm -rf build", "rm -rf node_modules/*", "rm notes.txt", "find . -name '*.pyc' -delete",
        "echo rm -rf /", "cd build && rm -rf *",
        "git commit -m 'do not rm -rf /'", "chmod -R u+w .", "rm -rf ./dist",
    ],
)  # fmt: skip
def test_what_a_person_may_want_is_not_refused(line: str):
    assert not refusal(parse(line, windows=False), ROOT)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("rm a", "deletes"), ("git clean -fd", "deletes"), ("git push origin main", "publishes"),
        ("npm publish", "publishes"),
        ("timeout 5 git push", "publishes"), ("curl x.org", "uses the network"), ("pip install x", "uses the network"),
        ("sudo ls", "gains rights"), ("kubectl apply -f x", "publishes"), ("npm run deploy", "publishes"),
        ("pytest", ""),
        ("sh -c 'git push'", "publishes"), ("mv a b", "deletes"),
    ],
)  # fmt: skip
def test_the_harm_of_a_command_is_named(line: str, kind: str):
    assert harm(parse(line, windows=False)) == kind


@settings(max_examples=100)
@given(st.text(alphabet="rm -f/$(){}`'\"\\;&|<>#!~*\n\tab=.:", max_size=40))
def test_no_line_is_too_odd_to_be_judged(line: str):
    understood = parse(line, windows=False)
    refusal(understood, ROOT)
    harm(understood)
    if understood.plain:
        outside_quotes = re.sub(r"\\.|'[^']*'|\"[^\"]*\"", "", line, flags=re.DOTALL)
        assert not set("$`()*{") & set(outside_quotes)


@settings(max_examples=100)
@given(st.text(alphabet="ab -./'\"\\=:~ \t", max_size=30))
def test_words_are_those_of_a_shell(line: str):
    understood = parse(line, windows=False)
    if understood.plain:
        assert list(understood.commands[0].words) == shlex.split(line)
