"""Disk: what is said when a file cannot be written."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from index.database import StoreError


class DiskError(StoreError):
    """A derived file cannot be written: the disk is full, or may not be written to."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the system's errors that a user can mend into one sentence each.

    Raises:
        DiskError: no space, or no right to write.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskError(
                f"the disk of {path.parent} is full; the records are safe: free some space and do this again"
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise DiskError(
                f"expected to write {path}, but it is not allowed ({error.strerror}); make the folder writable"
            ) from error
        raise
