"""Search: everybody who fits a query tree, counted exactly, the best first, each with its evidence.

Terms about images filter first; then everyone left is scored, no approximation. A person matches if the weighted
geometric mean of the clauses' probabilities reaches the mode's threshold. Equal scores are ordered by person id.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.columns import ColumnsError, ColumnStore, open_current
from index.database import StoreError
from index.facts import IndexedPeople
from index.palettes import open_palettes
from index.person_index import PersonIndex, StoredPerson
from parsing.labels import CHARACTERIZED, members
from query.facets import Facet, Question, best_question, facet_counts
from query.relaxation import relaxed, shortened
from query.scan import count_matches, scan
from query.scoring import Confusion, Rows, back_off, clause_plan, mass, strength
from query.tree import Camera, Gallery, Has, Like, Not, Query, Swatch, format_query, leaves

LOGGER = logging.getLogger(__name__)

MODES = ("strict", "balanced", "recall")
SORTS = ("score", "time")


@dataclass(frozen=True)
class Thresholds:
    """The least mean clause probability of a match; `query.fitting` finds better ones."""

    strict: float = 0.5
    balanced: float = 0.25
    recall: float = 0.05


@dataclass(frozen=True)
class SearchConfig:
    """What a search takes from the checkpoint (`CheckpointInfo.search`, which `query.fitting` writes).

    Args:
        thresholds: of the modes.
        further: by mode, right people below the threshold for each one that the probabilities promise; 1 if not fitted.
        color_confusion: P(seen color | true color), 12 rows of true colors; None is no back-off.
        back_off: how much the confusion counts against what the parser says, 0 to 1.
        few: with fewer matches than this, relaxations are counted.
        further_minimum: people less probable than this do not count as expected further matches.
    """

    thresholds: Thresholds = field(default_factory=Thresholds)
    further: Mapping[str, float] = field(default_factory=dict)
    color_confusion: Confusion | None = None
    back_off: float = 0.0
    few: int = 5
    further_minimum: float = 0.01

    @classmethod
    def from_checkpoint(cls, learned: Mapping[str, Any]) -> "SearchConfig":
        """From `search` of the checkpoint's JSON, all of it optional."""
        known = {threshold.name for threshold in fields(Thresholds)}
        given = learned.get("thresholds") or {}
        confusion = learned.get("color_confusion")
        return cls(
            thresholds=Thresholds(**{name: float(value) for name, value in given.items() if name in known}),
            further={mode: float(value) for mode, value in (learned.get("further") or {}).items()},
            color_confusion=None if confusion is None else tuple(tuple(map(float, row)) for row in confusion),
            back_off=float(learned.get("back_off", 0.0)),
        )

    def back_off_table(self) -> Confusion | None:
        """What scoring needs: for each color asked, how much each color that is seen counts; None is no back-off."""
        if self.color_confusion is None or not self.back_off:
            return None
        return back_off(self.color_confusion, self.back_off)


@dataclass(frozen=True)
class ClauseMatch:
    """How one clause fits a person. `attributes` are the labels whose masks show it; none if it is denied."""

    clause: str
    probability: float
    attributes: tuple[str, ...]


@dataclass(frozen=True)
class Match:
    """A person who fits: `score` is the weighted sum of the clauses' log-probabilities, `probability` their mean."""

    person_id: int
    score: float
    probability: float
    clauses: tuple[ClauseMatch, ...]


@dataclass(frozen=True)
class Relaxation:
    """A query with one thing less, and how many match it."""

    dropped: str
    query: Query
    total: int


@dataclass(frozen=True)
class SearchResult:
    """One page of matches, and what is known of all of them.

    Args:
        total: of all pages, exact.
        expected_further: how many right people are expected below the threshold, from their calibrated probabilities.
        relaxations: counted when few match.
        store: that was searched; it stays as it was when the index changes.
        matched: (N,) bool over the rows of the store, for facets.
    """

    query: Query
    mode: str
    threshold: float
    total: int
    matches: tuple[Match, ...]
    expected_further: float
    relaxations: tuple[Relaxation, ...]
    store: ColumnStore = field(repr=False, compare=False)
    matched: NDArray[np.bool_] = field(repr=False, compare=False)


def search(
    query: Query,
    store: ColumnStore,
    *,
    config: SearchConfig | None = None,
    mode: str = "balanced",
    limit: int = 50,
    offset: int = 0,
    sort: str = "score",
) -> SearchResult:
    """People who match, `limit` of them from the `offset`-th on.

    Args:
        sort: `score`, best first, or `time`, latest first and unknown last.

    Raises:
        ValueError: mode, sort, limit or offset is not possible, or a person to be like does not show what is asked.
        LookupError: the query names a person, gallery or camera that the store has not.
    """
    config = config or SearchConfig()
    _check_options(mode, sort, limit, offset)
    _check_names(query, store)
    threshold = getattr(config.thresholds, mode)
    found = scan(
        query,
        store,
        threshold=threshold,
        count=offset + limit,
        confusion=config.back_off_table(),
        by_time=sort == "time",
        further_minimum=config.further_minimum,
    )
    return SearchResult(
        query=query,
        mode=mode,
        threshold=threshold,
        total=found.total,
        matches=_matches(query, store, config, found.best[offset:], found.scores[offset:]),
        expected_further=found.further * config.further.get(mode, 1.0),
        relaxations=_relaxations(query, store, config, threshold) if found.total < config.few else (),
        store=store,
        matched=found.matched,
    )


class Searcher:
    """Searches one `PersonIndex`; follows its changes. Every method may be called from any thread."""

    def __init__(self, index: PersonIndex, config: SearchConfig | None = None) -> None:
        self.index = index
        self.config = config or SearchConfig()
        self._people = IndexedPeople(index)
        self._store: ColumnStore | None = None
        self._lock = Lock()

    def store(self) -> ColumnStore:
        """The columns of the index as it is now; those opened last, with a warning, if these cannot be built."""
        with self._lock:
            if self._store is None or self._store.revision != str(self._people.revision()):
                self._store = self._renewed()
            return self._store

    def _renewed(self) -> ColumnStore:
        try:
            return open_current(self._people, self._store)
        except (ColumnsError, OSError, StoreError) as error:
            if self._store is None:
                raise
            LOGGER.warning(
                "searching columns of revision %s, as later ones cannot be built: %s", self._store.revision, error
            )
            return self._store

    def _store_for(self, query: Query) -> ColumnStore:
        """The columns, with palettes where the query compares colours."""
        store = self.store()
        if store.shades is None and any(isinstance(leaf, Swatch) for leaf, _ in leaves(query)):
            with self._lock:
                store.palettes = store.palettes or open_palettes(
                    self._people, store.revision, store.person_ids, store.capacity
                )
                store.shades = store.palettes.of(self._people, store.person_ids)
        return store

    def search(
        self, query: Query, *, mode: str = "balanced", limit: int = 50, offset: int = 0, sort: str = "score"
    ) -> SearchResult:
        """As the function `search`."""
        return search(
            query, self._store_for(query), config=self.config, mode=mode, limit=limit, offset=offset, sort=sort
        )

    def people(self, result: SearchResult) -> list[StoredPerson]:
        """The records of the page's matches, in their order, with the attributes that show a clause and no others.

        Raises:
            LookupError: somebody has been deleted since the search.
        """
        clauses = {clause for match in result.matches for clause in match.clauses}
        shown = {attribute for clause in clauses for attribute in clause.attributes}
        return self.index.people((match.person_id for match in result.matches), showing=shown)

    def totals(self, queries: Sequence[Query], result: SearchResult) -> list[int]:
        """How many each of the queries finds among the people whom `result` was found among, in its mode."""
        return count_matches(queries, result.store, threshold=result.threshold, confusion=self.config.back_off_table())

    def facets(self, result: SearchResult) -> tuple[tuple[Facet, ...], Question | None]:
        """Counts of winning labels among all matches, and the question that would split them best."""
        facets = facet_counts(result.store, result.matched)
        return facets, best_question(facets, result.total, result.query)


def _matches(
    query: Query, store: ColumnStore, config: SearchConfig, rows: NDArray[np.intp], scores: NDArray[np.float64]
) -> tuple[Match, ...]:
    evidence = _evidence(query, store, config, rows)
    logs = np.log(scores) * strength(query)
    means = np.exp(logs / (mass(query) or 1.0))
    return tuple(
        Match(int(store.person_ids[row]), float(logs[i]), float(means[i]), tuple(clause[i] for clause in evidence))
        for i, row in enumerate(rows)
    )


def _evidence(
    query: Query, store: ColumnStore, config: SearchConfig, rows: NDArray[np.intp]
) -> list[list[ClauseMatch]]:
    """For each clause about people, how it fits each of the rows."""
    return [
        _clause_matches(leaf, negated, store, config, rows)
        for leaf, negated in leaves(query)
        if isinstance(leaf, Has | Swatch | Like)
    ]


def _clause_matches(
    leaf: Has | Swatch | Like, negated: bool, store: ColumnStore, config: SearchConfig, rows: NDArray[np.intp]
) -> list[ClauseMatch]:
    text = format_query(Not(leaf) if negated else leaf)
    probabilities = clause_plan(leaf, negated, store, config.back_off_table())(Rows(store, rows))
    shown = _shown(leaf, store, config, rows) if not negated else [()] * len(rows)
    return [ClauseMatch(text, float(p), labels) for p, labels in zip(probabilities, shown, strict=True)]


def _shown(
    leaf: Has | Swatch | Like, store: ColumnStore, config: SearchConfig, rows: NDArray[np.intp]
) -> list[tuple[str, ...]]:
    """The labels of the alternative that fits each person best; all that can be worn for a look all over."""
    if isinstance(leaf, Like):
        return [CHARACTERIZED if leaf.attribute is None else members(leaf.attribute)] * len(rows)
    alternatives = [replace(leaf, attribute=(group,)) for group in leaf.attribute]
    fits = [clause_plan(one, False, store, config.back_off_table())(Rows(store, rows)) for one in alternatives]
    return [members(leaf.attribute[best]) for best in np.argmax(fits, axis=0)]


def _relaxations(query: Query, store: ColumnStore, config: SearchConfig, threshold: float) -> tuple[Relaxation, ...]:
    """One thing less; where that finds nobody, also as few terms less as find somebody."""
    one_less = _counted(list(relaxed(query)), store, config, threshold)
    if any(way.total for way in one_less):
        return one_less
    fewer = (_counted(options, store, config, threshold) for options in shortened(query))
    found = (tuple(way for way in ways if way.total) for ways in fewer)
    return one_less + next(filter(None, found), ())


def _counted(
    options: list[tuple[str, Query]], store: ColumnStore, config: SearchConfig, threshold: float
) -> tuple[Relaxation, ...]:
    totals = count_matches([rest for _, rest in options], store, threshold=threshold, confusion=config.back_off_table())
    return tuple(Relaxation(dropped, rest, total) for (dropped, rest), total in zip(options, totals, strict=True))


def _check_options(mode: str, sort: str, limit: int, offset: int) -> None:
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
    if sort not in SORTS:
        raise ValueError(f"sort must be one of {', '.join(SORTS)}, got {sort!r}")
    if limit < 0 or offset < 0:
        raise ValueError(f"limit and offset must be 0 or more, got {limit} and {offset}")


def _check_names(query: Query, store: ColumnStore) -> None:
    """Refuse names that nothing in the store has, which would quietly match nobody."""
    for leaf, _ in leaves(query):
        known = {Gallery: store.gallery_names, Camera: store.camera_names}.get(type(leaf))
        if isinstance(leaf, Gallery | Camera) and known is not None and leaf.name not in known:
            kind = type(leaf).__name__.lower()
            names = ", ".join(known) or "none yet"
            raise LookupError(f"expected a {kind} of this store ({names}), got {leaf.name!r}; choose one of them")


def search_document(
    result: SearchResult,
    people: Sequence[StoredPerson],
    not_understood: Iterable[str] = (),
    question: Question | None = None,
) -> dict[str, Any]:
    """The JSON document of a search (DESIGN §10), with what helps to go on; `Searcher.facets` gives the question."""
    return {
        "query": format_query(result.query),
        "not_understood": list(not_understood),
        "mode": result.mode,
        "total": result.total,
        "expected_further": round(result.expected_further, 1),
        "matches": [_match_document(match, person) for match, person in zip(result.matches, people, strict=True)],
        "relaxations": [
            {"dropped": one.dropped, "query": format_query(one.query), "total": one.total} for one in result.relaxations
        ],
        "question": None if question is None else _question_document(question),
    }


def _question_document(question: Question) -> dict[str, Any]:
    facet = question.facet
    answers = sorted((item for item in facet.counts.items() if item[1]), key=lambda item: -item[1])
    return {
        "attribute": facet.attribute,
        "task": facet.task,
        "gain": round(question.gain, 3),
        "answers": [{"label": label, "count": count} for label, count in answers],
    }


def _match_document(match: Match, stored: StoredPerson) -> dict[str, Any]:
    return {
        "person_id": match.person_id,
        "image": str(stored.image_path),
        "box_xyxy": [float(edge) for edge in stored.person.box_xyxy],
        "score": match.score,
        "clauses": [_clause_document(clause, stored) for clause in match.clauses],
    }


def _clause_document(clause: ClauseMatch, stored: StoredPerson) -> dict[str, Any]:
    """A clause with its probability, and the masks of what shows it, as COCO run lengths."""
    shown = [record for record in stored.person.attributes if record.attribute in clause.attributes]
    return {
        "clause": clause.clause,
        "p": clause.probability,
        "evidence": [
            {
                "attribute": record.attribute,
                "mask": {"size": [record.mask.height, record.mask.width], "counts": record.mask.counts},
            }
            for record in shown
        ],
    }
