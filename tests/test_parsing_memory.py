import subprocess
import sys

import pytest

# Minor page faults of writing 64 MB eight times over, each time into freshly allocated memory.
PROGRAM = """
import resource, sys, numpy as np
from parsing.memory import keep_freed_memory
kept = sys.argv[1] == "keep" and keep_freed_memory()
np.ones(8_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(8):
    np.ones(8_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before, kept)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="page faults are counted on Linux, with glibc")
def test_kept_memory_is_not_cleared_again() -> None:
    def faults(how: str) -> tuple[int, str]:
        printed = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True)
        count, kept = printed.stdout.split()
        return int(count), kept

    (usual, _), (fewer, kept) = faults("usual"), faults("keep")
    assert kept == "True"
    assert fewer < usual / 4
