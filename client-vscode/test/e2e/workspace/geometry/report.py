"""A short report about a few shapes."""

from __future__ import annotations

from geometry.shapes import Rectangle, total_area

sheet = Rectangle(width=21.0, height=29.7)
label = Rectangle(width=6.0, height=2.5)


def used_share(shapes: list[Rectangle]) -> float:
    """Share of the sheet that the shapes cover, between 0 and 1."""
    return total_area(shapes) / sheet.area()


print(f"{used_share([label, label]):.1%} of the sheet is used.")
