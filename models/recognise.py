"""Readers: from a crop with one line of text to its characters and how sure the reader is.

The rule of this file: what is read is handed to the caller and to nobody else; it is in no log line and no error.

Source: Graves et al., "Connectionist Temporal Classification" (ICML 2006), greedy decoding.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from models.errors import ModelFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from models.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a reader made of a crop.

    Parameters
    ----------
    text
        The characters; may be empty. Confidential.
    confidence
        Mean over the characters, 0 to 1; 0 for an empty text.
    """

    text: str
    confidence: float


NOTHING_READ = Reading(text="", confidence=0.0)
_FEW_WIDTHS = (96, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1600, 2048, 2560)


class Recogniser(Protocol):
    """Reads crops."""

    def read(self, crops: Sequence[NDArray[np.uint8]]) -> list[Reading]:
        """One reading per crop, in their order; crops are uint8 (rows, columns, 3), RGB, one upright line each."""
        ...


class PpocrRecogniser:
    """PP-OCRv6's reader: 18,708 characters of many scripts, 48 rows high.

    Parameters
    ----------
    session
        The open recogniser; its characters are in its own metadata.
    batch_columns
        Columns of one call, summed over its crops; bounds memory (18,710 floats per eight columns).
    few_shapes
        Pad widths and batches to few sizes: for a GPU, where every new shape costs seconds.
    """

    def __init__(self, session: Session, *, batch_columns: int = 960, few_shapes: bool = False) -> None:
        self._session = session
        self._lines = Lines(
            rows=48, narrowest=96, widest=1600, batch_columns=batch_columns, widths=_FEW_WIDTHS if few_shapes else ()
        )
        self._characters = ("", *session.metadata["character"].split("\n"), " ")

    def read(self, crops: Sequence[NDArray[np.uint8]]) -> list[Reading]:
        """One reading per crop, in their order.

        Parameters
        ----------
        crops
            uint8 (rows, columns, 3), RGB, one upright line each, of any size.

        Raises
        ------
        ModelFailed
            The model broke.
        """
        readings = [NOTHING_READ] * len(crops)
        for members, width in self._lines.batches(crops):
            batch = np.zeros((self._lines.places(members, width), 3, self._lines.rows, width), dtype=np.float32)
            for row, member in enumerate(members):
                line = self._normalised(crops[member])
                batch[row, :, :, : line.shape[2]] = line
            output = self._session.run(batch)[0]
            for member, steps in _of_members(members, output, batch, name=self._session.name):
                readings[member] = decode(steps, self._characters, name=self._session.name)
        return readings

    def _normalised(self, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
        size = (self._lines.columns(crop), self._lines.rows)
        line = cv2.resize(crop, size, interpolation=cv2.INTER_LINEAR)
        # Blue first, -1 ... 1, as the detector's.
        planes = line[:, :, ::-1].transpose(2, 0, 1).astype(np.float32)
        return np.asarray(planes / 127.5 - 1, dtype=np.float32)


class EnglishRecogniser:
    """EasyOCR's english_g2: 96 characters, 64 rows high, grey.

    Parameters
    ----------
    session
        The open recogniser as `sonoveil models export easyocr` writes it; its characters are in its own metadata.
    batch_columns
        Columns of one call, summed over its crops.
    few_shapes
        As of `PpocrRecogniser`.
    """

    def __init__(self, session: Session, *, batch_columns: int = 3200, few_shapes: bool = False) -> None:
        self._session = session
        self._lines = Lines(
            rows=64, narrowest=64, widest=2560, batch_columns=batch_columns, widths=_FEW_WIDTHS if few_shapes else ()
        )
        self._characters = ("", *session.metadata["character"])

    def read(self, crops: Sequence[NDArray[np.uint8]]) -> list[Reading]:
        """One reading per crop, in their order; crops as for `PpocrRecogniser.read`.

        Raises
        ------
        ModelFailed
            The model broke.
        """
        readings = [NOTHING_READ] * len(crops)
        for members, width in self._lines.batches(crops):
            batch = np.zeros((self._lines.places(members, width), 1, self._lines.rows, width), dtype=np.float32)
            for row, member in enumerate(members):
                batch[row] = self._normalised(crops[member], width)
            output = self._session.run(batch)[0]
            for member, steps in _of_members(members, output, batch, name=self._session.name):
                readings[member] = decode(steps, self._characters, name=self._session.name)
        return readings

    def _normalised(self, crop: NDArray[np.uint8], width: int) -> NDArray[np.float32]:
        grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
        columns = self._lines.columns(crop)
        line = cv2.resize(grey, (columns, self._lines.rows), interpolation=cv2.INTER_CUBIC)
        # EasyOCR goes on with the last column where a line is shorter than its batch.
        line = cv2.copyMakeBorder(line, 0, 0, 0, width - columns, cv2.BORDER_REPLICATE)
        return np.asarray(line[np.newaxis].astype(np.float32) / 127.5 - 1, dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """How crops become lines of one height, and calls of bounded width.

    Parameters
    ----------
    rows
        Height of a line.
    narrowest
        A line is padded at least to this many columns.
    widest
        And squeezed where it would be wider than this.
    batch_columns
        Columns of one call, summed over its lines; bounds memory.
    widths
        The only widths that lines are padded to, rising, each with one number of lines; empty for multiples of 32, and
        as many lines as there are.
    """

    rows: int
    narrowest: int
    widest: int
    batch_columns: int
    widths: tuple[int, ...] = ()

    def columns(self, crop: NDArray[np.uint8]) -> int:
        """Columns of a crop at the height of a line."""
        return int(min(max(math.ceil(self.rows * crop.shape[1] / crop.shape[0]), 8), self.widest))

    def batches(self, crops: Sequence[NDArray[np.uint8]]) -> Iterator[tuple[list[int], int]]:
        """Group crops of like width: their indices, and the width they are padded to."""
        columns = [self.columns(crop) for crop in crops]
        members: list[int] = []
        width = 0
        for index in sorted(range(len(columns)), key=columns.__getitem__):
            here = self._width(columns[index])
            if members and here * (len(members) + 1) > self.batch_columns:
                yield members, width
                members = []
            members.append(index)
            width = here
        if members:
            yield members, width

    def places(self, members: Sequence[int], width: int) -> int:
        """Lines of a call with these members: some stay empty where the shapes are to be few."""
        return max(1, self.batch_columns // width) if self.widths else len(members)

    def _width(self, columns: int) -> int:
        multiple = max(self.narrowest, math.ceil(columns / 32) * 32)
        return next((width for width in self.widths if width >= multiple), multiple)


def _of_members(
    members: Sequence[int], output: NDArray[np.float32], batch: NDArray[np.float32], *, name: str
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Pair the members with their rows of the output, and leave out the empty lines behind them."""
    if len(output) != len(batch):
        raise ModelFailed(name, "it did not answer every line")
    return zip(members, output[: len(members)], strict=True)


class Remembering:
    """A recogniser that reads each different crop once: in a clip the same labels stand on every frame.

    Parameters
    ----------
    reader
        Reads what was not read lately.
    most
        Readings that are remembered; the one that was longest not asked for goes first.

    Notes
    -----
    What is remembered is confidential as readings are; it lives in this process' memory under a digest of the crop.
    """

    def __init__(self, reader: Recogniser, *, most: int = 1024) -> None:
        self._reader = reader
        self._most = most
        self._known: dict[bytes, Reading] = {}

    def read(self, crops: Sequence[NDArray[np.uint8]]) -> list[Reading]:
        """One reading per crop, in their order; crops as for the reader."""
        digests = [_digest(crop) for crop in crops]
        fresh = {digest: crop for digest, crop in zip(digests, crops, strict=True) if digest not in self._known}
        readings = dict(zip(fresh, self._reader.read(list(fresh.values())), strict=True))
        readings |= {digest: self._known.pop(digest) for digest in set(digests) if digest in self._known}
        self._known |= readings  # what was asked for now goes to the end, and so is forgotten last
        for digest in list(self._known)[: -self._most]:
            del self._known[digest]
        return [readings[digest] for digest in digests]


def _digest(crop: NDArray[np.uint8]) -> bytes:
    shape = ",".join(map(str, crop.shape)).encode()
    return hashlib.blake2b(shape + crop.tobytes(), digest_size=24).digest()


def decode(steps: NDArray[np.float32], characters: Sequence[str], *, name: str) -> Reading:
    """Greedy CTC decoding: the best character of each step, repeats joined, blanks dropped.

    Parameters
    ----------
    steps
        float32 (steps, characters): probabilities; the first character is the blank.
    characters
        As many as the model knows.
    name
        The model's, for the error.

    Raises
    ------
    ModelFailed
        The model's number of characters is not the alphabet's, or its output is not finite.
    """
    if steps.ndim != 2 or steps.shape[1] != len(characters):  # noqa: PLR2004  steps by characters
        raise ModelFailed(name, "its output does not fit its alphabet")
    best = steps.argmax(axis=1)
    sure = steps[np.arange(len(best)), best]
    if not np.isfinite(sure).all():
        raise ModelFailed(name, "its output is not finite")
    fresh = best > 0
    fresh[1:] &= best[1:] != best[:-1]
    if not fresh.any():
        return NOTHING_READ
    return Reading(
        text="".join(characters[index] for index in best[fresh]),
        confidence=float(np.clip(sure[fresh].mean(), 0, 1)),
    )
