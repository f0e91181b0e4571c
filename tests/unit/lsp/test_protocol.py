"""Questions that the server takes back."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from pygls.lsp.server import LanguageServer

from zicoder.lsp.protocol import ZiProtocol


def test_an_answer_to_a_question_that_was_taken_back_is_dropped() -> None:
    server = LanguageServer("test", "1", protocol_cls=ZiProtocol)
    protocol: Any = server.protocol
    taken_back, waiting = Future[Any](), Future[Any]()
    taken_back.cancel()
    protocol._request_futures.update({"1": taken_back, "2": waiting})
    protocol._handle_response("1", result=[{}])
    protocol._handle_response("2", result=["an answer"])
    assert waiting.result(timeout=0) == ["an answer"]
    assert not protocol._request_futures
