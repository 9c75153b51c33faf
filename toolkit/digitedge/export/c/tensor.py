"""Where a tensor's elements lie: height, then width, then channels, with room around them for a reader's padding.

A convolution with padding reads zeros around its input. They are laid around the tensor when it is written, once, so
that every output pixel is computed by the same loops, borders too.
"""

from __future__ import annotations

from dataclasses import dataclass

from digitedge.export.c.loops import loop
from digitedge.export.c.program import Buffer


@dataclass(frozen=True)
class Halo:
    """Rows and columns of zeros around a tensor."""

    top: int = 0
    left: int = 0
    bottom: int = 0
    right: int = 0

    def __or__(self, other: Halo) -> Halo:
        """What serves both."""
        pairs = zip(self.sides, other.sides, strict=True)
        return Halo(*(max(pair) for pair in pairs))

    @property
    def sides(self) -> tuple[int, int, int, int]:
        """(top, left, bottom, right)."""
        return self.top, self.left, self.bottom, self.right


@dataclass(frozen=True)
class Shape:
    """Of one image's tensor; a vector is 1 x 1 x n."""

    height: int
    width: int
    channels: int

    @property
    def count(self) -> int:
        """Elements."""
        return self.height * self.width * self.channels

    def __str__(self) -> str:
        return f"{self.height}x{self.width}x{self.channels}" if self.height * self.width > 1 else f"{self.channels}"


@dataclass(frozen=True, eq=False)
class Place:
    """A tensor in a buffer.

    Attributes:
        shape: of the tensor itself.
        halo: around it.
        buffer: that holds both.
    """

    shape: Shape
    halo: Halo
    buffer: Buffer

    @property
    def row(self) -> int:
        """Elements from a pixel to the one below it."""
        return (self.halo.left + self.shape.width + self.halo.right) * self.shape.channels

    @property
    def origin(self) -> int:
        """The place of the first pixel."""
        return self.halo.top * self.row + self.halo.left * self.shape.channels

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing around it."""
        return self.halo == Halo()


def place(shape: Shape, ctype: str, halo: Halo | None = None) -> Place:
    """A tensor in a new buffer."""
    halo = halo or Halo()
    rows, columns = shape.height + halo.top + halo.bottom, shape.width + halo.left + halo.right
    return Place(shape, halo, Buffer(ctype, rows * columns * shape.channels))


def empty_halo(y: Place) -> list[str]:
    """C statements that lay zeros around `y`."""
    above, below = y.origin - y.halo.left * y.shape.channels, y.halo.bottom * y.row
    left, right = y.halo.left * y.shape.channels, y.halo.right * y.shape.channels
    statements = [_zeros("y", above), _zeros(f"y + {above + y.shape.height * y.row}", below)]
    sides = [_zeros("side", left), _zeros(f"side + {y.row - right}", right)]
    if any(sides):
        start = f"{y.buffer.ctype} *const side = y + {above} + {y.row} * row;"
        statements.append(loop("row", y.shape.height, "\n".join([start, *filter(None, sides)])))
    return [text for text in statements if text]


def _zeros(start: str, count: int) -> str:
    return loop("i", count, f"{f'({start})' if ' ' in start else start}[i] = 0;") if count else ""
