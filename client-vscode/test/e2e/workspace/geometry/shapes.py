"""Plane shapes and their measures."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Rectangle:
    """A rectangle with sides parallel to the axes."""

    width: float
    height: float

    def area(self) -> float:
        """Area of the rectangle."""
        return self.width * self.height

    def perimeter(self) -> float:
        """Length of the outline of the rectangle."""
        return 2 * (self.width + self.height)


@dataclass(frozen=True)
class Square:
    """A rectangle whose sides are equal."""

    side: float

    def perimeter(self) -> float:
        """Length of the outline of the square."""
        return 4 * self.side

    def area(self) -> float:
        """Area of the square."""


@dataclass(frozen=True)
class Circle:
    """A circle around the origin."""

    radius: float

    def perimeter(self) -> float:
        """Length of the outline of the circle."""
        return 2 * math.pi * self.radius

    def area(self) -> float:
        """Area of the circle."""


def total_area(shapes: list[Rectangle | Square | Circle]) -> float:
    """Sum of the areas of all shapes."""
    return sum(shape.area() for shape in shapes)
