"""The page of the chat: what it may do, and how a client gets it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import pytest

from zicoder.errors import InputError
from zicoder.lsp.features import chat_page

NONCE = "bm9uY2Utb2YtdGhlLXRlc3Q="


class Elements(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture
def ask() -> Callable[[Any], Awaitable[dict[str, str]]]:
    handlers: dict[str, Any] = {}

    class Host:
        def feature(self, feature_name: str, options: Any | None = None) -> Callable[..., Any]:
            def keep(handler: Any) -> Any:
                handlers[feature_name] = handler
                return handler

            return keep

    chat_page.register(Host())
    return handlers[chat_page.CHAT_PAGE]


async def test_the_page_runs_its_own_script_only_and_loads_nothing(ask: Any) -> None:
    page = (await ask({"nonce": NONCE}))["html"]
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == f"'nonce-{NONCE}'"
    assert rules["base-uri"] == rules["form-action"] == "'none'"
    elements = Elements(page).found
    assert [attributes for tag, attributes in elements if tag == "script"] == [{"nonce": NONCE}]
    assert not {"link", "img", "iframe", "object", "base"} & {tag for tag, _ in elements}
    named = {name for _, attributes in elements for name in attributes}
    assert not {name for name in named if name in {"src", "href", "style"} or name.startswith("on")}


async def test_a_client_that_names_no_nonce_gets_a_new_one_each_time(ask: Any) -> None:
    first, second = await ask(None), await ask({})
    assert first["nonce"] != second["nonce"]
    assert first["nonce"] in first["html"]


@pytest.mark.parametrize("nonce", ["", "short", "'unsafe-inline' 'self'", 'x" onload="alert(1)xxxxx', 7, "a" * 129])
async def test_what_is_no_nonce_never_gets_into_the_page(ask: Any, nonce: Any) -> None:
    with pytest.raises(InputError):
        await ask({"nonce": nonce})


def test_the_licences_of_what_the_page_is_made_of_go_with_it() -> None:
    notice = (files("zicoder") / "web" / "NOTICE.txt").read_text(encoding="utf-8")
    for part in ("dompurify", "highlight.js", "marked"):
        assert re.search(rf"^{re.escape(part)} \d", notice, re.MULTILINE)
