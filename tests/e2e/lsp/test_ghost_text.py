"""Ghost text through the whole server, from a model that answers by a script."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from editor import MARK, Document, Editor, StartEditor, WriteScript, ghost_of
from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcRequestCancelled

NEVER_MS = 60_000
"""A pause the test cannot outlast: only a cancel ends it."""


def ask(editor: Editor, document: Document, *, invoked: bool = True) -> asyncio.Future[Any]:
    """Send the request now and do not wait. Messages sent later reach the server later."""
    params = editor.inline_params(document, invoked=invoked)
    return asyncio.ensure_future(
        asyncio.wrap_future(editor.client.protocol.send_request(types.TEXT_DOCUMENT_INLINE_COMPLETION, params))
    )


def stages(why: dict[str, Any]) -> list[str]:
    return [stage["name"] for stage in why["stages"]]


async def test_ghost_text_is_offered(start_editor: StartEditor, script: WriteScript) -> None:
    name = script({"after": "return ", "text": "width * height"})
    editor = await start_editor()
    assert (await editor.status("ready")).model.endswith(name.rpartition("/")[2])
    document = editor.open("area.py", f"def area(width, height):\n    return {MARK}\n")
    assert await editor.ghost(document) == "width * height"


async def test_automatic_requests_are_answered_too(start_editor: StartEditor, script: WriteScript) -> None:
    script({"after": "return ", "text": "width * height"})
    editor = await start_editor()
    document = editor.open("area.py", f"def area(width, height):\n    return {MARK}\n")
    await editor.status("ready")
    assert await editor.ghost(document, invoked=False) == "width * height"
    assert "debounce" in stages(await editor.why())


async def test_who_asks_by_hand_can_choose(start_editor: StartEditor, script: WriteScript) -> None:
    script(
        {"after": "return ", "text": "width * height", "others": ["width * height ", "height * width", "", "2", "3"]}
    )

    def goes_through_others(editor: Editor) -> None:
        editor.initialization_options = {"otherSuggestions": True}

    editor = await start_editor(prepare=goes_through_others)
    document = editor.open("area.py", f"def area(width, height):\n    return {MARK}\n")
    await editor.status("ready")
    assert len((await ask(editor, document, invoked=False)).items) == 1
    for _ in range(2):  # an editor asks again whenever somebody goes on to the next
        items = (await ask(editor, document)).items
        assert [item.insert_text for item in items] == ["width * height", "height * width", "2"]
        assert len({(item.range.start.line, item.range.start.character) for item in items}) == 1


async def test_an_editor_that_runs_an_items_command_tells_of_the_acceptance(
    start_editor: StartEditor, script: WriteScript
) -> None:
    script({"after": "return ", "text": "width * height"})
    editor = await start_editor()
    document = editor.open("area.py", f"def area(width, height):\n    return {MARK}\n")
    await editor.status("ready")
    (item,) = (await ask(editor, document, invoked=False)).items
    assert (item.insert_text, item.command.command) == ("width * height", "zi.suggestionAccepted")
    await editor.command(item.command.command, *item.command.arguments)
    journal = Path(os.environ["ZI_CACHE_DIR"]) / "completion" / "journal.jsonl"
    async with asyncio.timeout(20):
        while not (journal.exists() and '"accepted"' in journal.read_text(encoding="utf-8")):
            await asyncio.sleep(0.1)
    (asked,) = (await ask(editor, document)).items
    assert asked.command is None, "nothing is learnt from what was asked for by hand"


def dismissed(editor: Editor, document: Document) -> None:
    where = editor.position(document)
    place = {"textDocument": {"uri": document.uri}, "position": {"line": where.line, "character": where.character}}
    editor.client.protocol.notify("zi/suggestionRejected", place)


async def test_two_that_were_dismissed_in_an_editor_that_keeps_no_ids_keep_quiet(
    start_editor: StartEditor, script: WriteScript
) -> None:
    script({"after": "return ", "text": "width * height"}, {"after": "return 1", "text": " + width"})
    editor = await start_editor()
    document = editor.open("area.py", f"def area(width, height):\n    return {MARK}\n")
    await editor.status("ready")
    assert await editor.ghost(document, invoked=False) == "width * height"
    dismissed(editor, document)
    editor.type(document, "1")
    assert await editor.ghost(document, invoked=False) == " + width"
    dismissed(editor, document)
    assert await editor.ghost(document, invoked=False) == ""
    assert "rejected" in (await editor.why())["reason"]
    assert await editor.ghost(document) == " + width"


async def test_a_suggestion_typed_along_comes_from_the_cache(start_editor: StartEditor, script: WriteScript) -> None:
    script({"after": "return ", "text": "width * height"})
    editor = await start_editor()
    document = editor.open("area.py", f"def area(width, height):\n    return {MARK}\n")
    await editor.status("ready")
    assert await editor.ghost(document) == "width * height"
    assert "infill" in stages(await editor.why())
    for char in "width ":
        editor.type(document, char)
    assert await editor.ghost(document, invoked=False) == "* height"
    why = await editor.why()
    assert stages(why) == ["gate", "cache", "willingness"], "the model was asked again, or the answer was delayed"
    assert why["stages"][1]["note"] == "hit"


async def test_typing_against_a_suggestion_asks_the_model_anew(start_editor: StartEditor, script: WriteScript) -> None:
    script({"after": "return ", "text": "width * height"}, {"after": "return h", "text": "eight * 2"})
    editor = await start_editor()
    document = editor.open("area.py", f"def area(width, height):\n    return {MARK}\n")
    await editor.status("ready")
    assert await editor.ghost(document) == "width * height"
    editor.type(document, "h")
    assert await editor.ghost(document) == "eight * 2"


async def test_an_answer_for_a_version_that_is_gone_is_empty_but_not_lost(
    start_editor: StartEditor, script: WriteScript
) -> None:
    script({"after": "return ", "text": "width * height", "delay_ms": 100})
    editor = await start_editor()
    document = editor.open("area.py", f"def area(width, height):\n    return {MARK}\n")
    await editor.status("ready")
    early = ask(editor, document)
    editor.type(document, "wid")
    assert ghost_of(await early) == "", "it would be put into the wrong place"
    assert await editor.ghost(document) == "th * height"
    assert "infill" not in stages(await editor.why())


async def test_a_request_joins_the_one_in_flight_that_it_agrees_with(
    start_editor: StartEditor, script: WriteScript
) -> None:
    script({"after": "return ", "text": "width * height", "delay_ms": 100})
    editor = await start_editor()
    document = editor.open("area.py", f"def area(width, height):\n    return {MARK}\n")
    await editor.status("ready")
    early = ask(editor, document)
    editor.type(document, "w")
    assert await editor.ghost(document, invoked=False) == "idth * height"
    assert stages(await editor.why()) == ["gate", "cache", "join", "cache", "willingness"]
    await early


async def test_a_cancelled_request_is_answered_and_the_next_one_works(
    start_editor: StartEditor, script: WriteScript
) -> None:
    script({"after": "slow = ", "text": "never", "delay_ms": NEVER_MS}, {"after": "quick = ", "text": "'now'"})
    editor = await start_editor(env={"ZI_COMPLETION__TIMEOUT_MS": str(NEVER_MS)})
    document = editor.open("app.py", f"slow = {MARK}\nquick = \n")
    await editor.status("ready")
    request = editor.client.protocol.send_request(
        types.TEXT_DOCUMENT_INLINE_COMPLETION, editor.inline_params(document), msg_id="slow"
    )
    editor.client.protocol.notify(types.CANCEL_REQUEST, types.CancelParams(id="slow"))
    async with asyncio.timeout(30):
        with pytest.raises(JsonRpcRequestCancelled):
            await asyncio.wrap_future(request)
    document.cursor = document.at("quick = ")
    assert await editor.ghost(document) == "'now'"


async def test_a_model_that_is_too_slow_is_given_up_and_the_reason_is_told(
    start_editor: StartEditor, script: WriteScript
) -> None:
    script({"after": "slow = ", "text": "never", "delay_ms": NEVER_MS})
    editor = await start_editor(env={"ZI_COMPLETION__TIMEOUT_MS": "200"})
    document = editor.open("app.py", f"slow = {MARK}\n")
    await editor.status("ready")
    assert await editor.ghost(document, invoked=False) == ""
    assert "200 ms" in (await editor.why())["reason"]


@pytest.mark.parametrize("cancelling", [False, True], ids=["all waited for", "each cancels the one before"])
async def test_fifty_keystrokes_in_one_burst_are_all_answered(
    start_editor: StartEditor, script: WriteScript, cancelling: bool
) -> None:
    typed = "# counts everything there is in stock\ncount = len("
    script({"after": typed, "text": "stock)"})
    editor = await start_editor()
    document = editor.open("app.py", f"stock = []\n{MARK}\n")
    await editor.status("ready")
    requests: list[asyncio.Future[Any]] = []
    protocol = editor.client.protocol
    assert len(typed) >= 50
    for number, char in enumerate(typed):
        editor.type(document, char)
        params = editor.inline_params(document, invoked=False)
        sent = protocol.send_request(types.TEXT_DOCUMENT_INLINE_COMPLETION, params, msg_id=f"key-{number}")
        requests.append(asyncio.wrap_future(sent))
        if cancelling and number:
            protocol.notify(types.CANCEL_REQUEST, types.CancelParams(id=f"key-{number - 1}"))
    async with asyncio.timeout(60):
        *early, last = await asyncio.gather(*requests, return_exceptions=True)
    assert ghost_of(last) == "stock)"
    for answer in early:
        assert isinstance(answer, JsonRpcException) if isinstance(answer, BaseException) else ghost_of(answer) == ""


async def test_an_untitled_document_gets_ghost_text(start_editor: StartEditor, script: WriteScript) -> None:
    script({"after": "return ", "text": "width * height"})
    editor = await start_editor()
    await editor.status("ready")
    document = editor.open("untitled:Untitled-1", f"def area(width, height):\n    return {MARK}\n")
    assert await editor.ghost(document) == "width * height"


async def test_a_failing_model_gives_no_ghost_text_and_its_sentence_as_the_reason(
    start_editor: StartEditor, script: WriteScript
) -> None:
    script({"after": "", "fail": "The scripted model is out of ideas."})
    editor = await start_editor()
    await editor.status("ready")
    document = editor.open("app.py", f"x = {MARK}\n")
    assert await editor.ghost(document) == ""
    why = await editor.why()
    assert why["outcome"] == "failed"
    assert why["reason"] == "The scripted model is out of ideas."


async def test_before_any_request_the_reason_is_that_there_was_none(
    start_editor: StartEditor, script: WriteScript
) -> None:
    script()
    editor = await start_editor()
    await editor.status("ready")
    assert (await editor.why())["reason"] == "No suggestion has been asked for yet."
    assert editor.popups == ["No suggestion has been asked for yet."]


async def test_a_document_that_was_never_opened_gets_nothing(start_editor: StartEditor, script: WriteScript) -> None:
    script({"after": "", "text": "x"})
    editor = await start_editor()
    await editor.status("ready")
    assert await editor.ghost(Document("file:///never/opened.py", "x = ", 4, "python")) == ""
    assert await editor.answers()
