"""The /commands through a real server: streams, edits with versions, questions, cancelling."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from editor import WAIT_S, Editor, StartEditor, WriteScript
from lsprotocol import types
from pygls.exceptions import JsonRpcRequestCancelled

CALC = '"""Calc."""\n\n\ndef add(a, b):\n    return a - b\n\n\ndef mul(a, b):\n    return a * b\n'
FIXED = "```python\ndef add(a, b):\n    return a + b\n```\nIt subtracted."


@pytest.fixture(autouse=True)
def a_project(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZI_MODEL__INFILL", "none")
    (root / "calc.py").write_bytes(CALC.encode())


class Person:
    """Whoever sits before the editor: applies edits, answers questions, sees what streams."""

    def __init__(self, editor: Editor, *, answer: str | None = "Allow once", accepts: bool = True) -> None:
        self.editor = editor
        self.questions: list[types.ShowMessageRequestParams] = []
        self.edits: list[types.ApplyWorkspaceEditParams] = []
        self.progress: list[Any] = []

        @editor.client.feature(types.WINDOW_SHOW_MESSAGE_REQUEST)
        def asked(params: types.ShowMessageRequestParams) -> types.MessageActionItem | None:
            self.questions.append(params)
            return types.MessageActionItem(answer) if answer else None

        @editor.client.feature(types.WORKSPACE_APPLY_EDIT)
        def apply(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
            self.edits.append(params)
            return types.ApplyWorkspaceEditResult(applied=accepts)

        editor.client.protocol.fm.features.pop(types.PROGRESS, None)

        @editor.client.feature(types.PROGRESS)
        def told(params: types.ProgressParams) -> None:
            self.progress.append(params)

    def streamed(self) -> list[Any]:
        """The events, in the order of their numbers."""
        messages = [self.editor_plain(each.value) for each in self.progress if each.token == "t"]
        numbers = [message["seq"] for message in messages]
        assert numbers == sorted(numbers)
        return [event for message in messages for event in message["events"]]

    def editor_plain(self, value: Any) -> Any:
        return plain(value)


def plain(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value


async def run(editor: Editor, text: str, **more: Any) -> Any:
    params = types.ExecuteCommandParams("zi.run", [{"text": text, "token": "t", **more}])
    return plain(await asyncio.wait_for(editor.client.workspace_execute_command_async(params), WAIT_S))


async def asked(editor: Editor, command: str, *arguments: Any) -> Any:
    params = types.ExecuteCommandParams(command, list(arguments) or None)
    return plain(await asyncio.wait_for(editor.client.workspace_execute_command_async(params), WAIT_S))


def person_of(people: list[Person], **how: Any) -> Any:
    return lambda editor: people.append(Person(editor, **how))


async def test_an_answer_streams_and_comes_whole_at_the_end(start_editor: StartEditor, talk: WriteScript) -> None:
    talk({"when": "why", "text": "Because `add` in calc.py:4 subtracts.", "piece": 3, "delay_ms": 5})
    people: list[Person] = []
    editor = await start_editor(prepare=person_of(people))
    answer = await run(editor, "why is @calc.py wrong?")
    assert answer["text"] == "Because `add` in calc.py:4 subtracts."
    assert answer["error"] is None
    events = people[0].streamed()
    assert events[0]["kind"] == "begun"
    assert "".join(event["text"] for event in events if event["kind"] == "delta") == answer["text"]
    assert any(event["kind"] == "used" for event in events)
    again = await run(editor, "why?", conversation=answer["data"]["conversation"])
    assert again["data"]["conversation"] == answer["data"]["conversation"]
    listed = await run(editor, "/history")
    assert [c["turns"] for c in listed["data"]["conversations"]] == [4]


async def test_a_fix_is_a_versioned_edit_of_the_open_text(start_editor: StartEditor, talk: WriteScript) -> None:
    talk({"when": "mend", "text": FIXED})
    people: list[Person] = []
    editor = await start_editor(prepare=person_of(people))
    document = editor.open("calc.py", "# new line\n" + CALC)
    cursor = {"line": 5, "character": 4}
    answer = await run(editor, "/fix", uri=document.uri, range={"start": cursor, "end": cursor})
    assert answer["data"]["applied"] is True
    (edit,) = people[0].edits
    assert edit.edit.document_changes
    change = edit.edit.document_changes[0]
    assert isinstance(change, types.TextDocumentEdit)
    assert change.text_document.version == 1
    assert change.edits[0].new_text == "    return a + b\n"  # type: ignore[union-attr]
    assert change.edits[0].range.start.line == 5  # type: ignore[union-attr]
    assert (editor.root / "calc.py").read_bytes() == CALC.encode()  # type: ignore[operator]
    (proposed,) = [event for event in people[0].streamed() if event["kind"] == "proposed"]
    assert "+    return a + b" in proposed["diff"]


async def test_an_edit_that_breaks_the_syntax_goes_back_to_the_model(
    start_editor: StartEditor, talk: WriteScript
) -> None:
    talk({"when": "not usable", "text": FIXED}, {"when": "mend", "text": "```python\ndef add(a, b:\n    return\n```"})
    people: list[Person] = []
    editor = await start_editor(prepare=person_of(people))
    document = editor.open("calc.py", CALC)
    cursor = {"line": 4, "character": 4}
    answer = await run(editor, "/fix", uri=document.uri, range={"start": cursor, "end": cursor})
    assert answer["data"]["applied"] is True
    notices = [event["text"] for event in people[0].streamed() if event["kind"] == "notice"]
    assert any("tries again" in text for text in notices)


async def test_refused_edits_are_said(start_editor: StartEditor, talk: WriteScript) -> None:
    talk({"when": "mend", "text": FIXED})
    editor = await start_editor(prepare=person_of([], accepts=False))
    document = editor.open("calc.py", CALC)
    cursor = {"line": 4, "character": 4}
    answer = await run(editor, "/fix", uri=document.uri, range={"start": cursor, "end": cursor})
    assert answer["data"]["applied"] is False
    assert "did not apply" in answer["data"]["reason"]


@pytest.mark.parametrize("answer", ["Deny", None])
async def test_a_command_of_the_shell_is_asked_for_and_no_means_no(
    start_editor: StartEditor, talk: WriteScript, root: Path, answer: str | None
) -> None:
    talk({"when": "run it", "calls": [{"tool": "shell", "arguments": {"command": "touch made-by-agent"}}]},
         {"when": "", "text": "It was refused."})  # fmt: skip
    people: list[Person] = []
    editor = await start_editor(prepare=person_of(people, answer=answer))
    found = await run(editor, "/run run it")
    assert found["text"].endswith("It was refused.")
    (question,) = people[0].questions
    assert "touch made-by-agent" in question.message
    assert not (root / "made-by-agent").exists()
    ended = [event for event in people[0].streamed() if event["kind"] == "toolended"]
    assert [event["ok"] for event in ended] == [False]


async def test_a_cancelled_command_stops(start_editor: StartEditor, talk: WriteScript) -> None:
    talk({"when": "", "text": "word " * 400, "piece": 2, "delay_ms": 20})
    people: list[Person] = []
    editor = await start_editor(prepare=person_of(people))
    protocol = editor.client.protocol
    params = types.ExecuteCommandParams("zi.run", [{"text": "talk", "token": "t"}])
    waiting = protocol.send_request(types.WORKSPACE_EXECUTE_COMMAND, params, msg_id="long")
    await editor.until(lambda: any(e["kind"] == "delta" for e in people[0].streamed()), "text streams")
    protocol.notify(types.CANCEL_REQUEST, types.CancelParams(id="long"))
    with pytest.raises(JsonRpcRequestCancelled):
        await asyncio.wait_for(asyncio.wrap_future(waiting), WAIT_S)
    said = len(people[0].progress)
    assert "/ask" in (await run(editor, "/help", token=None))["text"]
    assert len(people[0].progress) == said
    kept = await run(editor, "/history show last")
    for _ in range(100):  # the answer to a cancelled request does not wait for what is kept of it
        if not kept["error"]:
            break
        await asyncio.sleep(0.1)
        kept = await run(editor, "/history show last")
    assert "wo" in kept["text"], kept


async def test_wrong_commands_and_places_are_told_in_the_answer(start_editor: StartEditor, talk: WriteScript) -> None:
    talk({"when": "", "fail": "The model is away."})
    editor = await start_editor(prepare=person_of([]))
    assert (await run(editor, "/fxi"))["error"] == {
        "message": "There is no command /fxi.",
        "hint": "Did you mean /fix?",
    }
    assert (await run(editor, "/fix"))["error"]["message"] == "There is no code to change here."
    assert (await run(editor, "hello"))["error"]["message"] == "The model is away."


async def test_lists_for_the_editor(start_editor: StartEditor, talk: WriteScript, root: Path) -> None:
    name = talk({"when": "", "text": "ok"})
    (root / ".zicoder" / "commands").mkdir(parents=True)
    (root / ".zicoder" / "commands" / "shout.md").write_text("---\ntitle: Say it loud\n---\nShout: {prompt}\n")
    editor = await start_editor(prepare=person_of([]))
    commands = {each["name"]: each["title"] for each in await asked(editor, "zi.commands")}
    assert commands["shout"] == "Say it loud"
    assert commands["fix"].startswith("Mend")
    assert {row["answers"] for row in await asked(editor, "zi.roles")} == {name}
    assert "@calc.py" in [each["text"] for each in await asked(editor, "zi.mentions", "cal")]
    assert (await run(editor, "/shout hello"))["text"] == "ok"


async def test_that_a_command_has_begun_is_told_before_anything_is_brought_up(
    start_editor: StartEditor, talk: WriteScript
) -> None:
    talk({"when": "", "text": "ok"})
    people: list[Person] = []
    begun = asyncio.Event()
    statuses: list[int] = []

    def prepare(editor: Editor) -> None:
        people.append(Person(editor))
        features = editor.client.protocol.fm.features
        told, _ = features.pop(types.PROGRESS), features.pop(types.WORKSPACE_CONFIGURATION, None)

        @editor.client.feature(types.PROGRESS)
        def first(params: types.ProgressParams) -> None:
            told(params)
            if params.token == "t" and not begun.is_set():
                statuses.append(len(editor.statuses))
                begun.set()

        @editor.client.feature(types.WORKSPACE_CONFIGURATION)
        async def settings(params: types.ConfigurationParams) -> list[Any]:
            await begun.wait()  # the server has no settings and no project before that
            return [None for _ in params.items]

    editor = await start_editor(prepare=prepare)
    assert (await run(editor, "well?"))["text"] == "ok"
    assert people[0].streamed()[0] == {"kind": "begun"}
    assert statuses == [0]


async def test_a_citation_that_was_corrected_is_right_in_the_answer_that_counts(
    start_editor: StartEditor, talk: WriteScript
) -> None:
    talk({"when": "", "text": "It is in calc.py:400."})
    people: list[Person] = []
    editor = await start_editor(prepare=person_of(people))
    answer = await run(editor, "where? @calc.py")
    assert answer["text"] == "It is in calc.py."
    assert answer["data"]["corrected"] is True
    events = people[0].streamed()
    assert "400" in "".join(event["text"] for event in events if event["kind"] == "delta")
    assert any(event["kind"] == "notice" and "not 400" in event["text"] for event in events)
    kept = await run(editor, "/history show last")
    assert "calc.py:400" not in kept["text"]


async def test_deleting_a_file_is_asked_for_once(start_editor: StartEditor, talk: WriteScript) -> None:
    talk({"when": "tidy up", "calls": [{"tool": "delete", "arguments": {"path": "calc.py"}}]},
         {"when": "", "text": "Gone."})  # fmt: skip
    people: list[Person] = []
    editor = await start_editor(prepare=person_of(people))
    assert (await run(editor, "/code --agent tidy up"))["text"].endswith("Gone.")
    assert [question.message.split("\n")[0] for question in people[0].questions] == ["delete calc.py"]
    (edit,) = people[0].edits
    assert edit.edit.document_changes
    assert isinstance(edit.edit.document_changes[0], types.DeleteFile)
    assert not any(note.needs_confirmation for note in (edit.edit.change_annotations or {}).values())
