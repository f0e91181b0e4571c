"""The context of a prompt: what it may show, what it must never show, and that nothing it lacks stops it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from zicoder.context import repository
from zicoder.context.place import Place
from zicoder.context.repository import RepositoryContext
from zicoder.context.sources import Piece, Source
from zicoder.errors import CodeIndexError
from zicoder.index.code_index import CodeIndex
from zicoder.index.walk import FileFilter
from zicoder.text import Snapshot

CART = '''class Cart:
    """What a customer is about to buy."""

    def __init__(self, currency):
        self.lines = []
        self.currency = currency

    def add_line(self, article, quantity):
        """Put an article into the cart."""
        self.lines.append((article, quantity))
        return article.price * quantity

    def compute_total(self):
        """Sum of all lines."""
        return sum(article.price * quantity for article, quantity in self.lines)
'''
CHECKOUT = '''from shop.cart import Cart
from shop.money import charge_card


def check_out(cart: Cart, payment):
    """Charge the customer's card for everything in the cart."""
    amount = cart.compute_total()
    receipt = charge_card(payment, amount, cart.currency)
    return receipt
'''


def long_file(marker: str) -> str:
    functions = "".join(
        f"def step_{n}(reactor, valve_{n}):\n    pressure = reactor.measure(valve_{n})\n    return pressure * {n}\n\n\n"
        for n in range(150)
    )
    special = f"def open_valve(reactor):\n    {marker}\n    return reactor.release(steam)\n\n\n"
    return special + functions


FILES = {
    "shop/cart.py": CART,
    "shop/checkout.py": CHECKOUT,
    "shop/money.py": (
        'def charge_card(payment, amount, currency):\n    """Take the money."""\n'
        "    return payment.charge(amount, currency)\n"
    ),
    "shop/orders.py": (
        "def order_total(cart, payment):\n    amount = cart.compute_total()\n    log_order(amount, cart.currency)\n"
        "    return payment.book(amount)\n"
    ),
    "plant.py": long_file("reactor.release(old_text_on_disk)"),
    ".gitignore": "secret/\n",
    "secret/cart.py": "def compute_total(cart, payment):\n    return TOP_SECRET_PRICES[cart]\n",
    ".env": "charge_card=TOP_SECRET\n",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("context")
    for path, text in FILES.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def built(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an index of the project."""
    folder = tmp_path_factory.mktemp("index")

    async def build() -> None:
        async with CodeIndex(root, folder) as index:
            await index.update()

    asyncio.run(build())
    return folder


@pytest.fixture
async def index(root: Path, built: Path) -> AsyncIterator[CodeIndex]:
    async with CodeIndex(root, built) as index:
        await index.open()
        yield index


def opened(root: Path, path: str, text: str | None = None, version: int = 0) -> Snapshot:
    place = root / path
    text = FILES[path] if text is None else text
    return Snapshot(uri=place.as_uri(), text=text, version=version, language="python", path=place)


def context(
    root: Path,
    *documents: Snapshot,
    index: Callable[[], CodeIndex | None] = lambda: None,
    budget: int = 1024,
    sources: Sequence[Source] | None = None,
) -> RepositoryContext:
    return RepositoryContext(
        FileFilter(root), index=index, documents=lambda: documents, budget_tokens=budget, sources=sources
    )


async def shown(made: RepositoryContext, snapshot: Snapshot, at: str) -> dict[str, str]:
    offset = snapshot.text.index(at) + len(at)
    await made.prepare(snapshot, offset)
    texts: dict[str, str] = {}
    for part in made.parts(snapshot, offset):
        texts[part.path] = texts.get(part.path, "") + part.text + "\n"
    return texts


async def test_an_index_gives_definitions_and_similar_code_and_nothing_of_the_file_itself(
    root: Path, index: CodeIndex
) -> None:
    snapshot = opened(
        root, "shop/checkout.py", CHECKOUT.replace("charge_card(payment, amount, cart.currency)", "charge_card(")
    )
    texts = await shown(context(root, index=lambda: index), snapshot, "receipt = charge_card(")
    assert "def charge_card(payment, amount, currency)" in texts["shop/money.py"]
    assert "def add_line(self, article, quantity):" in texts["shop/cart.py"]
    assert "log_order(amount, cart.currency)" in texts["shop/orders.py"]
    assert "shop/checkout.py" not in texts
    assert "TOP_SECRET" not in "".join(texts.values())
    await index.close()
    assert await shown(context(root, index=lambda: index), snapshot, "receipt = charge_card(") == {}


async def test_members_of_a_class_come_from_the_editor_if_it_has_the_file_open(root: Path, index: CodeIndex) -> None:
    unsaved = opened(root, "shop/cart.py", CART + "\n    def apply_discount(self, percent):\n        pass\n")
    texts = await shown(context(root, unsaved, index=lambda: index), opened(root, "shop/checkout.py"), "amount = cart.")
    assert "def apply_discount(self, percent):" in texts["shop/cart.py"]


async def test_open_documents_help_without_an_index(root: Path) -> None:
    documents = [opened(root, "shop/cart.py"), opened(root, "shop/checkout.py")]
    texts = await shown(context(root, *documents), documents[1], "amount = cart.compute_")
    assert list(texts) == ["shop/cart.py"]
    assert "def compute_total(self):" in texts["shop/cart.py"]


async def test_documents_that_the_index_would_not_hold_are_never_shown(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("")
    outside = Snapshot(uri="file:///outside.py", text="compute_total = OUTSIDE", path=tmp_path / "outside.py")
    untitled = Snapshot(uri="untitled:1", text="compute_total = UNTITLED")
    minified = opened(root, "shop/all.js", "compute_total=(cart,payment)=>1;" * 1000)
    documents = [opened(root, "secret/cart.py"), opened(root, ".env"), outside, untitled, minified]
    made = context(root, *documents)
    for document in documents[:-1]:
        made.changed(document, Snapshot(document.uri, document.text + "\ncompute_total(cart)", 1, path=document.path))
    assert await shown(made, opened(root, "shop/checkout.py"), "amount = cart.compute_total(") == {}
    for foreign in (outside, untitled):
        assert await shown(made, foreign, "compute_total") == {}


async def test_recent_edits_are_shown_as_diffs(root: Path) -> None:
    made = context(root)
    before = opened(root, "shop/cart.py")
    made.changed(
        before, opened(root, "shop/cart.py", CART.replace("compute_total(self)", "compute_total(self, tax)"), 1)
    )
    texts = await shown(made, opened(root, "shop/checkout.py"), "amount = cart.compute_total(")
    assert texts == {"shop/cart.py": "-    def compute_total(self):\n+    def compute_total(self, tax):\n"}


async def test_far_parts_of_the_own_file_come_from_the_snapshot_and_never_from_the_disk(
    root: Path, index: CodeIndex
) -> None:
    begun = "def shut(reactor):\n    reactor.release("
    for ending in ("\n", "\r\n"):
        text = (long_file("reactor.release(unsaved_text)") + begun).replace("\n", ending)
        texts = await shown(
            context(root, index=lambda: index), opened(root, "plant.py", text), begun.replace("\n", ending)
        )
        assert "reactor.release(unsaved_text)" in texts["plant.py"]
        assert "old_text_on_disk" not in "".join(texts.values())


async def test_the_line_being_written_is_never_shown_wherever_the_cursor_went_since(root: Path) -> None:
    text = long_file("reactor.release(steam, slowly)") + "def shut(reactor):\n    reactor.release("
    snapshot = opened(root, "plant.py", text)
    made = context(root)
    await made.prepare(snapshot, len(text))
    assert any("slowly" in part.text for part in made.parts(snapshot, len(text)))
    inside = text.index("slowly")
    assert not any("slowly" in part.text for part in made.parts(snapshot, inside))
    moved = opened(root, "plant.py", "\n" * 500 + text, version=1)
    assert not any("slowly" in part.text for part in made.parts(moved, moved.text.index("slowly")))


async def test_the_head_being_written_is_never_shown_but_the_attributes_of_its_class_are(root: Path) -> None:
    text = "class Plant:\n    def __init__(self):\n        self.valves = []\n\n"
    text += "    def open_all(self, slowly):\n        pass\n"
    text += "".join(f"\n    def step_{n}(self):\n        self.open_all(1)\n" for n in range(300)) + "        self."
    snapshot = opened(root, "plant.py", text)
    made = context(root)
    await made.prepare(snapshot, len(text))
    outline = made.parts(snapshot, len(text))[0].text
    assert "self.valves" in outline
    assert "def open_all(self, slowly)" in outline
    assert not any("slowly" in p.text for p in made.parts(snapshot, text.index(", slowly")))


async def test_a_small_move_of_the_cursor_keeps_the_beginning_of_the_prompt(root: Path) -> None:
    part = "def part_{0}(cart, payment):\n    amount_{0} = cart.total()\n    return payment.pay_{0}(amount_{0})\n"
    documents = [opened(root, f"shop/part_{n}.py", part.format(n)) for n in range(8)]
    text = "import shop\n\n\n" + "".join(
        f"def use_{n}(cart, payment):\n    return part_{n}(cart, payment.pay_{n})\n\n\n" for n in range(8)
    )
    snapshot = opened(root, "shop/use.py", text)
    made = context(root, *documents, budget=200)
    rendered: list[str] = []
    for line in range(3, 34):
        offset = snapshot.lines.start(line)
        await made.prepare(snapshot, offset)
        rendered.append("".join(f"{part.path}\n{part.text}\n" for part in made.parts(snapshot, offset)))
    kept = [len(common(a, b)) / len(a) for a, b in itertools.pairwise(rendered)]
    assert len(set(rendered)) > 1, "the context follows the cursor"
    assert sum(kept) / len(kept) > 0.8
    assert all(rendered)


def common(a: str, b: str) -> str:
    return a[: next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))]


class Answers:
    """A source that does as it is told."""

    def __init__(self, name: str, *texts: str, error: Exception | None = None, never: bool = False) -> None:
        self.name = name
        self._texts = texts
        self._error = error
        self._never = never

    async def pieces(self, place: Place) -> list[Piece]:
        if self._never:
            await asyncio.Event().wait()
        if self._error:
            raise self._error
        return [Piece(self.name, f"lib/{n}.py", text, 1.0) for n, text in enumerate(self._texts)]


async def test_a_source_that_is_slow_or_fails_takes_nothing_from_the_others(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "DEADLINE_S", 0.05)
    sources = [
        Answers("definitions", never=True),
        Answers("own", error=CodeIndexError("The index is gone.")),
        Answers("open", error=RuntimeError("cannot schedule new futures after shutdown")),
        Answers("similar", "the only answer"),
    ]
    made = context(root, sources=sources)
    assert await shown(made, opened(root, "shop/cart.py"), "return") == {"lib/0.py": "the only answer\n"}


async def test_a_file_that_is_gone_or_ignored_by_now_leaves_the_context(tmp_path: Path) -> None:
    for name in ("kept", "gone", "ignored"):
        (tmp_path / f"{name}.py").write_text(f"def {name}(cart):\n    return cart.compute_total({name}=1)\n")
    documents = [opened(tmp_path, f"{n}.py", (tmp_path / f"{n}.py").read_text()) for n in ("kept", "gone", "ignored")]
    files = FileFilter(tmp_path)
    made = RepositoryContext(files, index=lambda: None, documents=lambda: documents)
    snapshot = opened(tmp_path, "shop.py", "def use(cart):\n    cart.compute_total(")
    assert set(await shown(made, snapshot, "compute_total(")) == {"kept.py", "gone.py", "ignored.py"}
    documents.clear()
    (tmp_path / "gone.py").unlink()
    (tmp_path / ".gitignore").write_text("ignored.py\n")
    files.reload()
    assert set(await shown(made, snapshot, "compute_total(")) == {"kept.py"}
    made.budget_tokens = 0
    assert await shown(made, snapshot, "compute_total(") == {}


async def test_only_the_latest_place_counts(root: Path) -> None:
    made = context(root, opened(root, "shop/cart.py"))
    snapshot = opened(root, "shop/checkout.py")
    late, early = snapshot.text.index("return"), snapshot.text.index("from")
    await asyncio.gather(made.prepare(snapshot, early), made.prepare(snapshot, late))
    alone = context(root, opened(root, "shop/cart.py"))
    await alone.prepare(snapshot, late)
    assert made.parts(snapshot, late) == alone.parts(snapshot, late)
    made.closed(snapshot.uri)
    assert made.parts(snapshot, late) == ()


async def test_the_budget_is_kept_and_nothing_is_asked_without_one(root: Path) -> None:
    documents = [opened(root, path) for path in FILES if path.endswith(".py")]
    snapshot = opened(root, "shop/checkout.py")
    for budget in (64, 128, 512):
        made = context(root, *documents, budget=budget)
        texts = await shown(made, snapshot, "amount = cart.")
        assert len("".join(texts.values())) / 3.2 <= budget
    assert await shown(context(root, *documents, budget=0), snapshot, "amount = cart.") == {}


@pytest.mark.parametrize(
    "text",
    ["compute_total " * 80_000, "\n".join(f"compute_total_{n} = cart_{n}" for n in range(10_000)), "\ud800" * 99, ""],
    ids=["one long line", "many names", "half characters", "nothing"],
)
async def test_hostile_documents_do_no_harm(root: Path, text: str) -> None:
    hostile = opened(root, "shop/hostile.py", text)
    documents = [hostile, opened(root, "shop/cart.py"), opened(root, "shop/checkout.py")]
    made = context(root, *documents)
    for snapshot in documents:
        for offset in (0, len(snapshot.text) // 2, len(snapshot.text)):
            await made.prepare(snapshot, offset)
            assert sum(len(part.text) for part in made.parts(snapshot, offset)) < 1024 * 3.2
