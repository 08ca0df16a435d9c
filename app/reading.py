"""Reading: the one QueryParser of this process, loaded when the first sentence comes."""

from functools import lru_cache

from query.language import QueryParser


@lru_cache(maxsize=1)
def query_parser() -> QueryParser:
    """The parser of sentences and compact queries."""
    return QueryParser()
