"""What the second tier embeds."""

from __future__ import annotations

from zicoder.index.chunking import chunks_of
from zicoder.index.document import ChunkWords, row_of
from zicoder.index.enrich import embedded_text
from zicoder.index.reader import text_of

SHOP = '''
def charge_customer(customer, amount):
    """Take the money."""
    return gateway.charge(customer.card, amount)


def ship_parcel(parcel, address):
    """Hand it to the carrier."""
    return carrier.send(parcel, to=address)
'''


def test_what_is_embedded_is_what_the_hash_is_of() -> None:
    rows = [
        row_of(path, 0, chunk, ChunkWords.of(chunk, path))
        for path in ("a.py", "b.py")
        for chunk in chunks_of(text_of(SHOP.encode()), "python")
    ]
    texts = {row.text_hash: embedded_text(row.qualified, row.text) for row in rows}
    assert len(set(texts.values())) == len(texts) == len(rows) // 2
