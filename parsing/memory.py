"""Memory: this process keeps what it has freed, so that large tensors do not cost page faults every time."""

import ctypes
import sys

TRIM_THRESHOLD, MMAP_MAX = -1, -4  # of glibc's mallopt
MOST = 2**31 - 1


def keep_freed_memory() -> bool:
    """Let the allocator reuse freed memory instead of giving it back; whether it can.

    glibc maps large blocks anew each time, and the kernel clears every page of them: a batch of eight images took half
    as long without (`parsing.benchmark`). The process stays as large as it once was. Elsewhere nothing changes.
    """
    if sys.platform != "linux" or not hasattr(library := ctypes.CDLL(None), "mallopt"):
        return False
    return bool(library.mallopt(MMAP_MAX, 0) and library.mallopt(TRIM_THRESHOLD, MOST))
