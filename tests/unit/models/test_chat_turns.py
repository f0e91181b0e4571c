"""The conversation as a local model reads it."""

from __future__ import annotations

from pydantic import BaseModel
from pydantic_ai.messages import (
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.tools import ToolDefinition

from zicoder.models.chat.turns import engine_tools, plain_schema, turns


class Inner(BaseModel):
    line: int


class Outer(BaseModel):
    places: list[Inner]
    note: str | None = None


class Tree(BaseModel):
    children: list[Tree] = []


READ = ToolDefinition(
    name="read",
    description="Read a file.",
    parameters_json_schema={
        "type": "object",
        "properties": {"path": {"type": "string", "description": "where it is"}, "line": {"type": "integer"}},
        "required": ["path"],
    },
)


def test_references_are_resolved_and_words_left_out() -> None:
    plain = plain_schema(Outer.model_json_schema())
    assert "$defs" not in plain
    assert plain["properties"]["places"]["items"]["properties"] == {"line": {"type": "integer"}}
    assert plain["additionalProperties"] is False


def test_a_schema_that_holds_itself_ends() -> None:
    assert plain_schema(Tree.model_json_schema())["properties"]["children"]["type"] == "array"


def test_the_system_speaks_once_and_first() -> None:
    said = turns(
        [
            ModelRequest(parts=[SystemPromptPart("Be brief."), UserPromptPart("Hello")]),
            ModelResponse(parts=[TextPart("Hi.")]),
            ModelRequest(parts=[UserPromptPart("Read a.py"), UserPromptPart(["and", "b.py"])]),
        ],
        "You are Zi.",
        (),
        may_answer=False,
    )
    assert [(turn.role, turn.content) for turn in said] == [
        ("system", "You are Zi.\n\nBe brief."),
        ("user", "Hello"),
        ("assistant", "Hi."),
        ("user", "Read a.py\n\nand\n\nb.py"),
    ]


def test_calls_and_results_are_marked_and_the_answer_is_a_call_like_the_others() -> None:
    system, asked, called, result, answered = turns(
        [
            ModelRequest(parts=[UserPromptPart("What is in a.py?")]),
            ModelResponse(parts=[ToolCallPart("read", {"path": "a.py"}, tool_call_id="1")]),
            ModelRequest(parts=[ToolReturnPart("read", "x = 1", tool_call_id="1")]),
            ModelResponse(parts=[TextPart("One assignment.")]),
        ],
        "",
        [READ],
        may_answer=True,
    )
    assert "- read(path, line?): Read a file.; path: where it is" in system.content
    assert "- answer(text)" in system.content
    assert asked.content == "What is in a.py?"
    assert called.content == '<tool_call>\n{"name": "read", "arguments": {"path": "a.py"}}\n</tool_call>'
    assert result.role == "user"
    assert result.content == "<tool_response>\nx = 1\n</tool_response>"
    assert '{"name": "answer", "arguments": {"text": "One assignment."}}' in answered.content


def test_half_characters_do_not_reach_the_engine() -> None:
    (said,) = turns([ModelRequest(parts=[UserPromptPart("a\ud800b")])], "", (), may_answer=False)
    said.content.encode()


def test_the_engine_gets_the_answer_as_a_tool_only_where_text_is_allowed() -> None:
    assert [tool.name for tool in engine_tools([READ], may_answer=True)] == ["read", "answer"]
    assert [tool.name for tool in engine_tools([READ], may_answer=False)] == ["read"]
