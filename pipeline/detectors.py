"""What the pixel stages ask of the models: two methods. Whatever has them serves, so tests need no weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


class FoundText(Protocol):
    """One region of text: pixels of the image that was read, right and bottom exclusive; confidence 0 to 1."""

    @property
    def left(self) -> int: ...  # noqa: D102  the class says what it is
    @property
    def top(self) -> int: ...  # noqa: D102  the class says what it is
    @property
    def right(self) -> int: ...  # noqa: D102  the class says what it is
    @property
    def bottom(self) -> int: ...  # noqa: D102  the class says what it is
    @property
    def text(self) -> str: ...  # noqa: D102  the class says what it is
    @property
    def confidence(self) -> float: ...  # noqa: D102  the class says what it is


class TextReader(Protocol):
    """Finds and reads text."""

    def read(
        self, image: NDArray[np.uint8], *, strict: bool, frame: tuple[int, int] | None = None
    ) -> Sequence[FoundText]:
        """Look at a uint8 image, (rows, columns) or (rows, columns, 3) RGB; `strict` looks harder.

        `frame` is the rows and columns of the frame that the image is a part of; None where it is the whole frame.
        """
        ...


class FoundCone(Protocol):
    """A segmented cone: `mask` is bool (rows, columns), True inside; confidence 0 to 1."""

    @property
    def mask(self) -> NDArray[np.bool_]: ...  # noqa: D102  the class says what it is
    @property
    def confidence(self) -> float: ...  # noqa: D102  the same


class ConeSegmenter(Protocol):
    """Finds the ultrasound cone."""

    def segment(self, image: NDArray[np.uint8]) -> FoundCone:
        """Look at a uint8 image, (rows, columns) or (rows, columns, 3) RGB."""
        ...
