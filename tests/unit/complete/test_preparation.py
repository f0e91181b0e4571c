"""What is made ready before a request, over a real project with a model that answers by a script."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from zicoder.complete.preparation import Preparation
from zicoder.models.scripted import ScriptedModel
from zicoder.text import Snapshot
from zicoder.workspace import Workspace

OTHER = (
    "def total_price(items, discount):\n    price = sum(item.price for item in items)\n    return price - discount\n"
)
HERE = "def price_of_all(items, discount):\n    price = sum(item.price for item in items)\n    return "


class Rig:
    """Preparation for one document beside another one that is like it."""

    def __init__(self, workspace: Workspace, model: ScriptedModel) -> None:
        root = workspace.root
        assert root is not None
        self.workspace = workspace
        self.model = model
        other, here = (
            Snapshot((root / name).as_uri(), text, language="python", path=root / name)
            for name, text in (("other.py", OTHER), ("here.py", HERE))
        )
        self.here = here
        self.preparation = Preparation(workspace, names={}, documents=lambda: [here, other])

    async def prepare(self) -> None:
        """Get ready for the end of the document."""
        self.preparation.moved(self.here, len(HERE))
        await self.preparation.finished()

    def configure(self, section: str, values: dict[str, object]) -> None:
        self.workspace.configure({section: values})
        self.preparation.settings_changed()

    @property
    def pieces(self) -> int:
        """Of the project in a request for the end of the document."""
        return len(self.preparation.request(self.here, len(HERE)).context)


@pytest.fixture
async def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    script = tmp_path / "script.toml"
    script.write_text('[[rule]]\nafter = "return "\ntext = "price"\n')
    monkeypatch.setenv("ZI_MODEL__INFILL", f"scripted:{script}")
    root = tmp_path / "project"
    root.mkdir()
    for name, text in (("other.py", OTHER), ("here.py", HERE)):
        (root / name).write_text(text)
    workspace = Workspace(root)
    model = await workspace.infill_model()
    assert isinstance(model, ScriptedModel)
    made = Rig(workspace, model)
    yield made
    await made.preparation.close()
    await workspace.close()


async def test_a_piece_of_the_project_is_used_from_when_the_model_has_read_it(rig: Rig) -> None:
    assert rig.pieces == 0
    await rig.prepare()
    assert rig.pieces > 0
    assert rig.model.prefills[-1].context == rig.preparation.request(rig.here, len(HERE)).context


async def test_what_the_model_has_read_outlives_a_setting_that_does_not_touch_it(rig: Rig) -> None:
    await rig.prepare()
    pieces, prefills = rig.pieces, len(rig.model.prefills)
    rig.configure("completion", {"eagerness": "high"})
    assert rig.pieces == pieces
    await rig.prepare()
    assert [request.context for request in rig.model.prefills[prefills:]] == [rig.model.prefills[-1].context] * 2


@pytest.mark.parametrize(
    ("section", "values"),
    [("completion", {"project_tokens": 100}), ("index", {"exclude": ["other.py"]})],
)
async def test_other_pieces_begin_anew(rig: Rig, section: str, values: dict[str, object]) -> None:
    await rig.prepare()
    rig.configure(section, values)
    assert rig.pieces == 0


async def test_another_reader_begins_anew(rig: Rig) -> None:
    await rig.prepare()
    rig.workspace.choose_again()  # as when measuring has found a better one
    rig.preparation.settings_changed()
    assert rig.pieces == 0


async def test_another_process_of_the_engine_has_read_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await rig.prepare()
    prefills = len(rig.model.prefills)
    await rig.prepare()
    assert len(rig.model.prefills) == prefills, "the same place, which is ready"
    monkeypatch.setattr(type(rig.workspace.engine), "pid", 7)
    rig.preparation.moved(rig.here, len(HERE))
    assert rig.pieces == 0
    await rig.preparation.finished()
    assert rig.pieces > 0
    assert len(rig.model.prefills) > prefills


async def test_a_document_that_is_opened_again_is_made_ready_again(rig: Rig) -> None:
    await rig.prepare()
    prefills = len(rig.model.prefills)
    rig.preparation.closed(rig.here.uri)
    assert rig.pieces == 0
    await rig.prepare()
    assert rig.pieces > 0
    assert len(rig.model.prefills) > prefills
