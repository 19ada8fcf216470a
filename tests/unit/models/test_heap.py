"""The heap of a process that opens models: fixed before they are opened, and given back where it is free."""

import ctypes
import subprocess
import sys

import pytest

from models import heap

_GLIBC = hasattr(ctypes.CDLL(None), "malloc_trim")
_MEASURE = """
import numpy as np
from models import heap
def resident():
    return int(open("/proc/self/status").read().partition("VmRSS:")[2].split()[0])
if {fixed}:
    heap.keep_heap_small()
large = np.ones(24 << 20, np.uint8)
del large
blocks = [np.ones(8 << 20, np.uint8) for _ in range(4)]
last = np.ones(1 << 16, np.uint8)
before = resident()
del blocks
print(before - resident())
"""


@pytest.mark.skipif(not _GLIBC, reason="another C library")
def test_large_blocks_go_back_at_once_although_a_larger_one_was_freed_before():
    """What glibc does by itself is measured beside it: without that difference the setting would be for nothing."""
    given_back = [
        int(subprocess.run([sys.executable, "-c", _MEASURE.format(fixed=f)], check=True, capture_output=True).stdout)
        for f in (True, False)
    ]
    assert given_back[0] > 30_000
    assert given_back[1] < 10_000


def test_a_c_library_without_these_functions_is_left_alone(monkeypatch):
    """Another system runs as it did."""
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    heap.keep_heap_small()
    heap.give_back()
