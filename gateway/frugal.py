"""Memory of the processes that look at no pixels: the node's own, and those that receive.

pydicom imports arrays, image libraries and every decoder it finds as soon as it is imported, and goes on without those
that are not there. A process that never decodes spares 25 MB by their not being there; what reading all those modules
left free on the heap is given back to the system.

Rule of the file: names that pydicom itself takes for optional, and nothing that another library of ours needs.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Any

_OPTIONAL = ("numpy", "PIL", "gdcm", "pylibjpeg", "openjpeg", "libjpeg", "rle", "jpeg_ls", "requests", "tqdm")


def go_without_pixels() -> None:
    """Make pydicom find none of its optional libraries; to be called before it is imported, by a process of ours alone.

    What is imported already stays.
    """
    absent: Any = None  # what `import` takes for a module that is not there
    for name in _OPTIONAL:
        sys.modules.setdefault(name, absent)


def settle() -> None:
    """Give back what is free, and let no collection look again at what was loaded; to be called when all is.

    pynetdicom's server collects every few seconds: over all that was loaded, that stops every thread for 60 ms.
    """
    gc.collect()
    gc.freeze()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc; another library is left as it is
    if trim is not None:
        trim(0)
