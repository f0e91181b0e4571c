"""One process that reads texts, for all tests that leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from zicoder.assist.checks.inspector import Inspector
from zicoder.assist.jedi_bridge import JediBridge


@pytest.fixture(scope="module")
def inspector() -> Iterator[Inspector]:
    inspector = Inspector()
    yield inspector
    inspector.close()


@pytest.fixture(scope="module")
def jedi() -> Iterator[JediBridge]:
    bridge = JediBridge()
    yield bridge
    bridge.close()
