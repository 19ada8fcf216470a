"""pydicom's own warnings and log records quote header values, so inside the pipeline nobody hears them.

The rule of this file: it silences what the library *says*; what it *raises* goes on.
"""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep header values out of warnings and log records while the block runs. Not for several threads at once."""
    logger = logging.getLogger("pydicom")
    before = logger.disabled, logger.propagate, logger.level
    logger.propagate = False
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled, logger.propagate = before[:2]
        logger.setLevel(before[2])
