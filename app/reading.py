"""Reading: the one QueryParser of this process, loaded when the first sentence comes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from query.language import QueryParser


@lru_cache(maxsize=1)
def query_parser() -> "QueryParser":
    """The parser of sentences and compact queries."""
    with _without_torch():
        from query.language import QueryParser

    return QueryParser()


@contextmanager
def _without_torch() -> Iterator[None]:
    """Keep torch out of what is imported inside.

    thinc, below spaCy, loads torch for seconds wherever it is installed, though reading a sentence needs none of it.
    """
    if "torch" in sys.modules:
        yield
        return
    sys.modules["torch"] = None  # type: ignore[assignment]  # an import of it now fails, which thinc takes as absent
    try:
        yield
    finally:
        del sys.modules["torch"]
