"""Question: what the comparison of engines asks (`index.comparison`), as a query tree, answered as every search is."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from index.columns import ColumnStore
from index.engines import Question
from parsing.labels import CHARACTERISTICS
from query.scan import scan
from query.search import SearchConfig
from query.tree import Camera, Has, conjunction


def best_of(question: Question, store: ColumnStore, *, threshold: float, count: int) -> NDArray[np.intp]:
    """Rows of the best people for a question of the benchmark, as every search finds them."""
    further = SearchConfig().further_minimum
    terms: list[Has | Camera] = [_clause(group, labels) for group, labels in question.clauses]
    if question.camera is not None:
        terms.append(Camera(question.camera))
    return scan(conjunction(tuple(terms)), store, threshold=threshold, count=count, further_minimum=further).best


def _clause(group: str, labels: Mapping[str, str]) -> Has:
    size, pattern, color = ((labels[task],) if task in labels else () for task in CHARACTERISTICS)
    return Has((group,), size, pattern, color)
