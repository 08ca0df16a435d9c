"""Resembling: queries that begin with a person: who is like them, and who wears the same."""

from collections.abc import Mapping, Sequence

import numpy as np

from index.columns import ColumnStore
from index.descriptor import CHARACTERIZED_GROUPS, column
from parsing.records import CharacterizedAttribute
from query.scoring import COMPARED, Rows, clause_plan
from query.search import Searcher
from query.tree import Has, conjunction, format_query

OUTFIT = ("Coat", "UpperClothes", "Pants", "Skirt", "Hat", "Shoes")
OUTFIT_CLAUSES = 4
OUTFIT_MODE = "balanced"  # in which an outfit finds whom it was taken from


def like_queries(person_ids: Sequence[int], store: ColumnStore) -> list[str | None]:
    """For each person the compact text that asks who is like them; None for whoever shows nothing to be compared.

    Raises:
        LookupError: one of them is not in the store.
    """
    if not person_ids:
        return []
    rows = Rows(store, np.array([store.row(person_id) for person_id in person_ids]))
    seen = np.max([rows.probabilities(column(group, "attribute", "seen")) for group in CHARACTERIZED_GROUPS], axis=0)
    return [f"like:{person_id}" if most >= COMPARED else None for person_id, most in zip(person_ids, seen, strict=True)]


def outfit_query(
    person_id: int, garments: Mapping[str, CharacterizedAttribute], searcher: Searcher, store: ColumnStore
) -> str | None:
    """Compact text that asks for the same clothes, as far as they are sure; None if none are.

    Each clause alone reaches the threshold of `OUTFIT_MODE`, and so does their mean: the person is found.

    Raises:
        LookupError: the person is not in the store.
    """
    person = Rows(store, np.array([store.row(person_id)]))
    confusion = searcher.config.back_off_table()
    least = getattr(searcher.config.thresholds, OUTFIT_MODE)

    def is_sure(clause: Has) -> bool:
        return bool(clause_plan(clause, False, store, confusion)(person)[0] >= least)

    options = [_clauses(group, garments[group]) for group in OUTFIT if group in garments]
    sure = [next(filter(is_sure, clauses), None) for clauses in options]
    terms = tuple(clause for clause in sure if clause is not None)[:OUTFIT_CLAUSES]
    return format_query(conjunction(terms)) if terms else None


def _clauses(group: str, record: CharacterizedAttribute) -> list[Has]:
    """What may be asked of a garment, the most telling first."""
    color = record.winner("color")
    return [*([Has((group,), color=(color[0],))] if color else []), Has((group,))]
