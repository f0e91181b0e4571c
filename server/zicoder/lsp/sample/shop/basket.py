"""Baskets of items, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Item:
    """Something on sale. The price is in cents."""

    name: str
    price: int


@dataclass
class Basket:
    """What a customer is about to buy."""

    items: list[Item] = field(default_factory=list)

    def add(self, item: Item) -> None:
        """Put an item into the basket."""
        self.items.append(item)

    def remove(self, item: Item) -> None:
        """Take an item out of the basket."""
        self.items.remove(item)

    def total(self) -> int:
        """Price of everything in the basket, in cents."""
        return sum(item.price for item in self.items)

    def cheapest(self) -> Item:
        """The item with the lowest price."""
        return min(self.items, key=lambda item: item.price)


def main() -> None:
    basket = Basket()
    basket.add(Item("tea", 350))
    basket.add(Item("cup", 990))
    print(basket.total())
