"""Tests of search: what fits better ranks higher, every count is exact, and nothing is found that was not asked for."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from index.columns import SCALE, ColumnStore, Facts, open_columns, write_columns
from index.descriptor import CHARACTERIZED_GROUPS, DIMENSIONS, FLOOR, column, encode, winners
from index.palettes import COLUMNS, pack, rows_of
from parsing.labels import ATTRIBUTE_GROUPS, CHARACTERISTICS, COLORS, LABELS, members
from parsing.records import CharacterizedAttribute, Person, RunLengthMask
from query.facets import best_question, facet_counts
from query.scoring import BACK_OFF_MINIMUM, CLAUSE_FLOOR
from query.search import SearchConfig, SearchResult, Thresholds, search
from query.tree import (
    And,
    Camera,
    Captured,
    Daytime,
    Gallery,
    Has,
    Like,
    Not,
    Or,
    People,
    Query,
    Swatch,
    format_query,
    leaves,
    parse_query,
)
from tests.factories import palette

BLANK = RunLengthMask.encode(np.zeros((100, 50), bool))
EVERYBODY = SearchConfig(thresholds=Thresholds(strict=0.5, balanced=0.25, recall=1e-6))


def worn(
    attribute: str, color: str = "Dark", size: str = "Long/large", pattern: str = "Solid"
) -> CharacterizedAttribute:
    sure = {"size": size, "pattern": pattern, "color": color}
    probabilities = {
        task: tuple(0.97 * (x == sure[task]) + 0.03 / len(LABELS[task]) for x in LABELS[task]) for task in sure
    }
    return CharacterizedAttribute(attribute, 0.95, 100, probabilities, BLANK)


def bare(attribute: str) -> CharacterizedAttribute:
    return CharacterizedAttribute(attribute, 0.95, 100, {}, BLANK)


def person(*records: CharacterizedAttribute, bottom: float = 80) -> Person:
    return Person((5, 5, 45, bottom), 0.9, BLANK, records)


FACE = bare("Face")


def plain_facts(count: int) -> Facts:
    return Facts(
        np.arange(count),
        np.full(count, "NaT", "datetime64[s]"),
        np.full(count, -1, np.int32),
        (),
        np.ones(count, np.int32),
        {},
    )


@pytest.fixture
def store_of(tmp_path: Path) -> Callable[..., ColumnStore]:
    """Makes a store of people, whose ids count from 1."""

    def make(*people: Person, facts: Facts | None = None) -> ColumnStore:
        return from_descriptors(tmp_path, np.stack([encode(one) for one in people]), facts)

    return make


def from_descriptors(folder: Path, descriptors: NDArray[np.floating], facts: Facts | None = None) -> ColumnStore:
    count = len(descriptors)
    write_columns(folder / "columns.bin", "1", np.arange(1, count + 1), descriptors, facts or plain_facts(count))
    return open_columns(folder / "columns.bin")


def ids(result: SearchResult) -> list[int]:
    return [match.person_id for match in result.matches]


def ranked(text: str, store: ColumnStore, **options: object) -> list[int]:
    """Ids of everybody, best first."""
    return ids(search(parse_query(text), store, config=EVERYBODY, mode="recall", **options))  # type: ignore[arg-type]


# What a clause means


def test_colors_bind_to_their_own_garments(store_of: Callable[..., ColumnStore]) -> None:
    store = store_of(
        person(worn("Coat", "Blue"), worn("Pants", "Red")),
        person(worn("Coat", "Red"), worn("Pants", "Blue")),
    )
    result = search(parse_query("coat:red pants:blue"), store)
    assert (ids(result), result.total) == ([2], 1)


def test_no_hat_ranks_a_bare_head_before_no_head_before_a_hat(store_of: Callable[..., ColumnStore]) -> None:
    store = store_of(person(FACE, worn("Hat")), person(worn("Coat")), person(FACE, worn("Hair")))
    assert ranked("-hat", store) == [3, 2, 1]
    assert ranked("hat", store) == [1, 2, 3]


def test_an_unknown_head_meets_neither_hat_nor_no_hat(store_of: Callable[..., ColumnStore]) -> None:
    store = store_of(person(worn("Coat")))
    for text in ("hat", "-hat"):
        assert search(parse_query(text), store, mode="balanced").total == 0


def test_not_red_coat_is_met_by_another_coat_and_by_none(store_of: Callable[..., ColumnStore]) -> None:
    upper = worn("UpperClothes")
    store = store_of(
        person(worn("Coat", "Red")), person(worn("Coat", "Blue")), person(upper, bare("Torso-skin")), person()
    )
    result = search(parse_query("-coat:red"), store)
    assert sorted(ids(result)) == [2, 3]
    assert ranked("-coat:red", store)[2:] == [4, 1]


def test_undetermined_size_ranks_between_long_and_short(store_of: Callable[..., ColumnStore]) -> None:
    sizes = ("Short/small", "Undetermined", "Long/large")
    store = store_of(*(person(worn("Coat", size=size)) for size in sizes))
    assert ranked("coat:long", store) == [3, 2, 1]
    assert ranked("-coat:long", store) == [1, 2, 3]


def test_one_red_shoe_is_half_a_match(store_of: Callable[..., ColumnStore]) -> None:
    pairs = [("Blue", "Blue"), ("Red", "Blue"), ("Red", "Red")]
    store = store_of(*(person(worn("L-shoe", left), worn("R-shoe", right)) for left, right in pairs))
    found = search(parse_query("shoes:red"), store, config=EVERYBODY, mode="recall").matches
    assert [match.person_id for match in found] == [3, 2, 1]
    assert found[1].probability == pytest.approx(found[0].probability / 2, rel=0.03)
    assert found[0].clauses[0].attributes == ("L-shoe", "R-shoe")


def test_alternative_colors_add_up(store_of: Callable[..., ColumnStore]) -> None:
    store = store_of(person(worn("Pants", "Blue")), person(worn("Pants", "Dark")), person(worn("Pants", "Red")))
    assert sorted(ids(search(parse_query("pants:(blue|dark)"), store))) == [1, 2]


def test_of_alternative_attributes_the_best_counts_and_is_shown(store_of: Callable[..., ColumnStore]) -> None:
    store = store_of(person(worn("UpperClothes", "Red"), worn("Coat", "Blue")), person(worn("Coat", "Red")))
    found = {match.person_id: match for match in search(parse_query("(upperclothes|coat):red"), store).matches}
    assert {key: match.clauses[0].attributes for key, match in found.items()} == {1: ("UpperClothes",), 2: ("Coat",)}


def test_lacking_alternatives_means_lacking_them_all(store_of: Callable[..., ColumnStore]) -> None:
    store = store_of(person(FACE, worn("Hat")), person(FACE, worn("Glasses")), person(FACE, worn("Hair")))
    assert ids(search(parse_query("-(hat|glasses)"), store)) == [3]


def test_either_is_met_by_one_and_better_by_both(store_of: Callable[..., ColumnStore]) -> None:
    store = store_of(person(FACE, worn("Hair")), person(FACE, worn("Hat")), person(FACE, worn("Hat"), worn("Glasses")))
    assert ranked("hat or glasses", store) == [3, 2, 1]
    assert sorted(ids(search(parse_query("hat or glasses"), store))) == [2, 3]


def test_a_hedged_clause_decides_less(store_of: Callable[..., ColumnStore]) -> None:
    red_coat, blue_pants = worn("Coat", "Red"), worn("Pants", "Blue")
    store = store_of(person(red_coat, worn("Pants", "Red")), person(worn("Coat", "Blue"), blue_pants))
    assert ranked("coat:red pants:blue^0.5", store) == [1, 2]
    assert ranked("coat:red^0.5 pants:blue", store) == [2, 1]


def test_weights_do_not_change_what_a_single_clause_matches(store_of: Callable[..., ColumnStore]) -> None:
    store = store_of(person(worn("Coat", "Red")), person(worn("Coat", "Blue")))
    plain, hedged, heavy = (search(parse_query(f"coat:red{w}"), store) for w in ("", "^0.3", "^1000000000.0"))
    assert ids(plain) == ids(hedged) == ids(heavy) == [1]
    assert hedged.matches[0].score == pytest.approx(0.3 * plain.matches[0].score)


def test_many_clauses_do_not_underflow(store_of: Callable[..., ColumnStore]) -> None:
    store = store_of(person(worn("Coat", "Blue")), person(worn("Coat", "Red")))
    text = " ".join(["coat:red"] * 60)
    assert search(parse_query(text), store).total == 1
    assert ranked(text, store) == [2, 1]


# Back-off


def confused(**pairs: str) -> tuple[tuple[float, ...], ...]:
    """A table where every color named is seen as another one in 4 of 10 cases."""
    table = np.eye(len(COLORS))
    for true, seen in pairs.items():
        table[COLORS.index(true), COLORS.index(true)] = 0.6
        table[COLORS.index(true), COLORS.index(seen)] = 0.4
    return tuple(map(tuple, table))


def test_colors_back_off_to_those_they_are_taken_for(store_of: Callable[..., ColumnStore]) -> None:
    store = store_of(person(worn("Coat", "Red")), person(worn("Coat", "Dark")), person(worn("Coat", "Blue")))
    config = replace(EVERYBODY, color_confusion=confused(Blue="Dark"), back_off=1.0)
    backed = search(parse_query("coat:blue"), store, config=config, mode="recall").matches
    plain = search(parse_query("coat:blue"), store, config=EVERYBODY, mode="recall").matches
    assert [match.person_id for match in backed] == [3, 2, 1]
    assert backed[1].probability == pytest.approx(0.95 * 0.4 / 1.4, rel=0.05)
    assert next(match for match in plain if match.person_id == 2).probability < 0.01


def test_a_weak_back_off_mostly_trusts_what_is_seen(store_of: Callable[..., ColumnStore]) -> None:
    store = store_of(person(worn("Coat", "Dark")), person(worn("Coat", "Blue")))
    config = replace(EVERYBODY, color_confusion=confused(Blue="Dark"), back_off=0.2)
    blue, dark = search(parse_query("coat:blue"), store, config=config, mode="recall").matches
    assert (blue.person_id, dark.person_id) == (2, 1)
    assert blue.probability == pytest.approx(0.95 * 0.97, rel=0.02)
    assert dark.probability == pytest.approx(0.95 * 0.2 * 0.4 / 1.4, rel=0.1)


def test_without_a_learned_table_there_is_no_back_off() -> None:
    assert SearchConfig.from_checkpoint({}).back_off_table() is None
    assert SearchConfig.from_checkpoint({"color_confusion": confused(Blue="Dark")}).back_off_table() is None


def test_a_wrong_confusion_table_is_refused(store_of: Callable[..., ColumnStore]) -> None:
    store = store_of(person(worn("Coat")))
    for table in (((1.0,),), tuple((0.5,) * 12 for _ in range(12))):
        with pytest.raises(ValueError, match="the color confusion must be 12 rows of 12 probabilities"):
            search(parse_query("coat:red"), store, config=SearchConfig(color_confusion=table, back_off=0.1))


# Terms about images


@pytest.fixture
def dated(tmp_path: Path) -> ColumnStore:
    """Four people in red coats: two at the door by day, one in the yard by night, one of an unknown time and place."""
    facts = Facts(
        image_ids=np.array([10, 10, 11, 12]),
        captured_at=np.array(["2026-05-01T08:00", "2026-05-01T08:00", "2026-05-02T23:30", "NaT"], "datetime64[s]"),
        camera=np.array([0, 0, 1, -1], np.int32),
        camera_names=("door", "yard"),
        people=np.array([2, 2, 1, 1], np.int32),
        galleries={"north": np.array([True, True, False, False]), "all": np.ones(4, bool)},
    )
    people = [person(worn("Coat", "Red"))] * 4
    return from_descriptors(tmp_path, np.stack([encode(one) for one in people]), facts)


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        (Camera("door"), [1, 2]),
        (Not(Camera("door")), [3]),
        (Gallery("north"), [1, 2]),
        (Not(Gallery("north")), [3, 4]),
        (People(2, 2), [1, 2]),
        (People(None, 1), [3, 4]),
        (Not(People(2, None)), [3, 4]),
        (Captured(datetime(2026, 5, 2), None), [3]),
        (Captured(None, datetime(2026, 5, 2, 23, 30)), [1, 2]),
        (Not(Captured(datetime(2026, 5, 2), None)), [1, 2]),
        (Daytime(time(8), time(9)), [1, 2]),
        (Daytime(time(22), time(6)), [3]),
        (Not(Daytime(time(22), time(6))), [1, 2]),
        (Or((Camera("yard"), Gallery("north"))), [1, 2, 3]),
        (And((Camera("door"), Captured(datetime(2026, 5, 2), None))), []),
        (Not(Or((Camera("yard"), Gallery("north")))), []),
    ],
)
def test_terms_about_images_filter(dated: ColumnStore, term: Query, expected: list[int]) -> None:
    assert sorted(ids(search(term, dated))) == expected
    with_coat = search(And((Has(("Coat",), color=("Red",), weight=0.5), term)), dated)
    assert sorted(ids(with_coat)) == expected
    assert with_coat.total == len(expected)


def test_unknown_names_are_refused_by_name(dated: ColumnStore) -> None:
    with pytest.raises(LookupError, match=r"expected a camera of this store \(door, yard\), got 'roof'"):
        search(Camera("roof"), dated)
    with pytest.raises(LookupError, match=r"expected a gallery of this store \(north, all\), got 'south'"):
        search(Not(Gallery("south")), dated)


def test_latest_come_first_by_time_and_unknown_last(dated: ColumnStore) -> None:
    assert ids(search(parse_query("coat:red"), dated, sort="time")) == [3, 1, 2, 4]


# Examples


def test_like_finds_the_same_garment(store_of: Callable[..., ColumnStore]) -> None:
    store = store_of(
        person(worn("Coat", "Red"), worn("Pants", "Blue")),
        person(worn("Coat", "Blue"), worn("Pants", "Blue")),
        person(worn("Coat", "Red"), worn("Pants", "Green")),
    )
    assert sorted(ids(search(Like(1, "Coat"), store))) == [1, 3]
    assert ranked("like:1", store)[0] == 1
    assert ids(search(parse_query("coat:like:1 pants:like:2"), store)) == [1]
    assert ids(search(Not(Like(1, "Coat")), store)) == [2]


def test_like_needs_an_example_that_shows_it(store_of: Callable[..., ColumnStore]) -> None:
    store = store_of(person(worn("Coat")), person())
    with pytest.raises(LookupError, match="no person 7 in the index"):
        search(Like(7), store)
    with pytest.raises(ValueError, match="person 1 visibly wears no Hat"):
        search(Like(1, "Hat"), store)
    with pytest.raises(ValueError, match="person 2 visibly wears no clothes"):
        search(Like(2), store)


# Counting, paging, order


def test_pages_join_to_the_whole_list(store_of: Callable[..., ColumnStore]) -> None:
    colors = ("Red", "Blue", "Red", "Pink", "Red", "Blue", "Red")
    store = store_of(*(person(worn("Coat", color)) for color in colors))
    whole = ranked("coat:red", store)
    assert whole == [1, 3, 5, 7, 2, 4, 6]
    for size in (1, 2, 3, 10):
        pages = [ranked("coat:red", store, limit=size, offset=start) for start in range(0, len(colors), size)]
        assert [one for page in pages for one in page] == whole
    assert ranked("coat:red", store, limit=0) == []
    assert ranked("coat:red", store, offset=99) == []


@pytest.mark.parametrize("options", [{"mode": "loose"}, {"sort": "name"}, {"limit": -1}, {"offset": -1}])
def test_impossible_options_are_refused(store_of: Callable[..., ColumnStore], options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be"):
        search(parse_query("coat"), store_of(person()), **options)  # type: ignore[arg-type]


def test_an_empty_store_matches_nothing(tmp_path: Path) -> None:
    store = from_descriptors(tmp_path, np.zeros((0, DIMENSIONS), np.float16))
    result = search(parse_query("coat:red -hat"), store)
    assert (result.total, result.matches, result.expected_further) == (0, (), 0)


def test_modes_nest(store_of: Callable[..., ColumnStore]) -> None:
    store = store_of(
        *(person(worn("Coat", c), worn("Pants", p)) for c, p in (("Red", "Blue"), ("Red", "Red"), ("Pink", "Red")))
    )
    query = parse_query("coat:red pants:blue")
    totals = [search(query, store, config=EVERYBODY, mode=mode).total for mode in ("strict", "balanced", "recall")]
    assert totals == [1, 1, 3]


def test_relaxations_are_counted_one_by_one(store_of: Callable[..., ColumnStore]) -> None:
    store = store_of(
        person(FACE, worn("Coat", "Red", "Short/small")),
        person(FACE, worn("Coat", "Blue", "Long/large")),
        person(FACE, worn("Coat", "Red", "Long/large"), worn("Hat")),
    )
    result = search(parse_query("coat:red,long -hat"), store, mode="strict")
    assert result.total == 0
    assert {one.dropped: (format_query(one.query), one.total) for one in result.relaxations} == {
        "long": ("coat:red -hat", 1),
        "red": ("coat:long -hat", 1),
        "coat:red,long": ("-hat", 2),
        "-hat": ("coat:red,long", 1),
    }


def test_where_one_thing_less_finds_nobody_as_few_terms_as_possible_go(store_of: Callable[..., ColumnStore]) -> None:
    store = store_of(person(FACE, worn("Coat", "Blue")), person(FACE, worn("Pants", "Red"), worn("Hat", "Red")))
    result = search(parse_query("coat:blue hat:green pants:yellow -glasses"), store, mode="strict")
    assert {one.dropped: (format_query(one.query), one.total) for one in result.relaxations if one.total} == {
        "hat:green, pants:yellow": ("coat:blue -glasses", 1),
    }
    result = search(parse_query("coat:orange hat:green pants:yellow"), store, mode="strict")
    assert {one.dropped: (format_query(one.query), one.total) for one in result.relaxations if one.total} == {
        "hat:green, pants:yellow, orange": ("coat", 1),
        "coat:orange, pants:yellow, green": ("hat", 1),
        "coat:orange, hat:green, yellow": ("pants", 1),
    }


def test_relaxation_never_drops_everything(store_of: Callable[..., ColumnStore]) -> None:
    result = search(parse_query("coat"), store_of(person()))
    assert (result.total, result.relaxations) == (0, ())


def test_each_clause_is_shown_with_its_own_probability(store_of: Callable[..., ColumnStore]) -> None:
    store = store_of(person(FACE, worn("Coat", "Red")))
    [match] = search(parse_query("coat:red -hat^0.5"), store).matches
    coat, hat = match.clauses
    assert (coat.clause, coat.attributes) == ("coat:red", ("Coat",))
    assert (hat.clause, hat.attributes) == ("-hat^0.5", ())
    assert match.score == pytest.approx(math.log(coat.probability) + 0.5 * math.log(hat.probability), abs=1e-5)
    assert match.probability == pytest.approx(math.exp(match.score / 1.5), abs=1e-5)


def test_expected_further_matches_are_the_probability_below_the_line(store_of: Callable[..., ColumnStore]) -> None:
    unsure = replace(worn("Coat"), probabilities={"color": tuple(0.2 if c in COLORS[:5] else 0.0 for c in COLORS)})
    store = store_of(*[person(unsure)] * 10, person(worn("Coat", "Red")))
    result = search(parse_query("coat:red"), store, mode="strict")
    assert result.total == 1
    assert result.expected_further == pytest.approx(10 * 0.95 * 0.2, rel=0.02)
    fitted = SearchConfig.from_checkpoint({"further": {"strict": 1.5}})
    corrected = search(parse_query("coat:red"), store, config=fitted, mode="strict")
    assert corrected.expected_further == pytest.approx(1.5 * result.expected_further)


# Facets


def test_facets_count_winning_labels_of_the_matches(store_of: Callable[..., ColumnStore]) -> None:
    store = store_of(
        person(FACE, worn("Coat", "Red"), worn("Pants", "Blue")),
        person(FACE, worn("Coat", "Red"), worn("Pants", "Dark")),
        person(FACE, worn("Coat", "Blue"), worn("Pants", "Dark"), worn("Hat")),
    )
    result = search(parse_query("coat:red"), store)
    facets = {(facet.attribute, facet.task): facet.counts for facet in facet_counts(store, result.matched)}
    assert {label: n for label, n in facets["Pants", "color"].items() if n} == {"Blue": 1, "Dark": 1}
    assert facets["Hat", "attribute"] == {"seen": 0, "absent": 2}
    question = best_question(facet_counts(store, result.matched), result.total, result.query)
    assert question is not None
    assert (question.facet.attribute, question.facet.task, question.gain) == ("Pants", "color", 1.0)


def test_nothing_is_asked_where_nothing_differs(store_of: Callable[..., ColumnStore]) -> None:
    store = store_of(*[person(worn("Coat", "Red"))] * 3)
    result = search(parse_query("coat:red"), store)
    assert best_question(facet_counts(store, result.matched), result.total, result.query) is None


# Exactness: against the definition, one person at a time in plain Python


def naive(query: Query, p: Sequence[float], rows: "Naive", negated: bool = False) -> float:
    match query:
        case Not():
            return naive(query.term, p, rows, not negated)
        case And() | Or() if isinstance(query, And) != negated:
            return math.prod(naive(term, p, rows, negated) ** rows.exponent(term, negated) for term in query.terms)
        case And() | Or():
            top = rows.weight(query)
            return 1 - math.prod(1 - naive(term, p, rows, negated) * rows.weight(term) / top for term in query.terms)
        case Has():
            fits = [rows.has(query, group, p, negated) for group in query.attribute]
            return min(1.0, max(CLAUSE_FLOOR, min(fits) if negated else max(fits)))
    raise TypeError(query)


class Naive:
    """The definition in `query.scoring`, for trees of Has."""

    def __init__(self, query: Query, posterior: NDArray[np.floating] | None) -> None:
        self.unit = self.weight(query)
        self.posterior = posterior

    def weight(self, query: Query) -> float:
        return max(leaf.weight for leaf, _ in leaves(query) if isinstance(leaf, Has))

    def exponent(self, term: Query, negated: bool) -> float:
        while isinstance(term, Not):
            term, negated = term.term, not negated
        return 1.0 if isinstance(term, Or if negated else And) else self.weight(term) / self.unit

    def has(self, has: Has, group: str, p: Sequence[float], negated: bool) -> float:
        fits = 1.0
        for task in CHARACTERISTICS:
            if has.labels(task):
                fits *= min(1.0, self.sum_of(has, group, task, p))
        seen, absent = (p[column(group, "attribute", label)] for label in ("seen", "absent"))
        asked = any(has.labels(task) for task in CHARACTERISTICS)
        if not negated:
            return seen * fits
        return absent + seen * (1 - fits) if asked else absent

    def sum_of(self, has: Has, group: str, task: str, p: Sequence[float]) -> float:
        if task != "color" or self.posterior is None:
            return sum(p[column(group, task, label)] for label in has.labels(task))
        total = 0.0
        for seen, label in enumerate(COLORS):
            weight = sum(self.posterior[COLORS.index(true), seen] for true in has.color)
            total += weight * p[column(group, "color", label)] if weight >= BACK_OFF_MINIMUM else 0.0
        return total

    def mass(self, query: Query, negated: bool = False) -> float:
        if isinstance(query, Not):
            return self.mass(query.term, not negated)
        if isinstance(query, And | Or) and isinstance(query, And) != negated:
            return sum(self.mass(term, negated) for term in query.terms)
        return self.weight(query)


def random_tree(rng: np.random.Generator, depth: int = 2) -> Query:
    kind = rng.choice(["has", "not", "and", "or"]) if depth else "has"
    if kind == "has":
        group = tuple(rng.choice(CHARACTERIZED_GROUPS, rng.integers(1, 3), replace=False).tolist())
        asked = {task: some_labels(rng, task) for task in CHARACTERISTICS}
        return Has(group, **asked, weight=float(rng.choice([0.5, 1.0, 1.0])))
    if kind == "not":
        return Not(random_tree(rng, depth - 1))
    terms = tuple(random_tree(rng, depth - 1) for _ in range(rng.integers(2, 4)))
    return And(terms) if kind == "and" else Or(terms)


def some_labels(rng: np.random.Generator, task: str) -> tuple[str, ...]:
    count = int(rng.choice([0, 0, 1, 2]))
    return tuple(rng.choice(LABELS[task], count, replace=False).tolist())


def random_descriptors(rng: np.random.Generator, count: int) -> NDArray[np.float16]:
    """People as the parser makes them: sure of some things, unsure of others."""
    probabilities = rng.uniform(0, 1, (count, DIMENSIONS))
    for group in CHARACTERIZED_GROUPS:
        for task in CHARACTERISTICS:
            first = column(group, task, LABELS[task][0])
            spread = rng.dirichlet(np.full(len(LABELS[task]), 0.3), count)
            probabilities[:, first : first + len(LABELS[task])] = spread
    return np.log(np.maximum(probabilities, FLOOR)).astype(np.float16)


@pytest.mark.parametrize("seed", range(16))
def test_search_equals_the_definition_on_random_people(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    store = from_descriptors(tmp_path, random_descriptors(rng, 60))
    query, table = random_tree(rng), rng.dirichlet(np.full(12, 0.5), 12)
    confusion = tuple(map(tuple, table)) if seed % 2 else None
    rows = Naive(query, table / table.sum(axis=0) if confusion else None)
    people = (store.codes.T / SCALE).tolist()
    outer = rows.exponent(query, False)
    expected = [naive(query, p, rows) ** outer for p in people]
    means = [score ** (rows.unit / rows.mass(query)) for score in expected]
    config = replace(EVERYBODY, color_confusion=confusion, back_off=1.0)
    for mode in ("strict", "balanced", "recall"):
        result = search(query, store, config=config, mode=mode, limit=100)
        threshold = getattr(config.thresholds, mode)
        assert all(abs(mean / threshold - 1) > 1e-5 for mean in means), "a tie at the threshold says nothing"
        assert {match.person_id for match in result.matches} == {
            i + 1 for i, mean in enumerate(means) if mean >= threshold
        }
        assert result.total == len(result.matches)
        for match in result.matches:
            assert match.probability == pytest.approx(means[match.person_id - 1], rel=1e-4)
            assert match.score == pytest.approx(math.log(expected[match.person_id - 1]) * rows.unit, rel=1e-3, abs=1e-4)
        found = [expected[match.person_id - 1] for match in result.matches]
        assert all(first >= second * (1 - 1e-5) for first, second in pairwise(found))


def test_pieces_and_threads_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    facts = replace(plain_facts(1000), camera_names=("a",), camera=rng.integers(-1, 1, 1000).astype(np.int32))
    store = from_descriptors(tmp_path, random_descriptors(rng, 1000), facts)
    for text in ("coat:red or -hat", "camera:a pants:(blue|dark)", "-camera:a"):
        query = parse_query(text)
        whole = search(query, store, config=EVERYBODY, mode="recall", limit=1000)
        with monkeypatch.context() as patch:
            patch.setattr("query.scan._CHUNK", 64)
            pieces = search(query, store, config=EVERYBODY, mode="recall", limit=1000)
        assert whole == pieces
        np.testing.assert_array_equal(whole.matched, pieces.matched)


def test_equal_scores_are_ordered_by_person(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    few = random_descriptors(rng, 5)[rng.integers(0, 5, 400)]
    store = from_descriptors(tmp_path, few)
    for limit in (1, 7, 100, 400):
        found = search(parse_query("coat"), store, config=EVERYBODY, mode="recall", limit=limit).matches
        keys = [(-match.score, match.person_id) for match in found]
        assert keys == sorted(keys)
        assert len(keys) == limit


def test_facets_equal_a_count_person_by_person(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    descriptors = random_descriptors(rng, 200)
    store = from_descriptors(tmp_path, descriptors)
    matched = rng.random(200) < 0.5
    chosen = winners(descriptors)[matched]
    for facet in facet_counts(store, matched):
        for label, count in facet.counts.items():
            assert count == chosen[:, column(facet.attribute, facet.task, label)].sum()


@pytest.mark.parametrize("group", ATTRIBUTE_GROUPS)
def test_every_attribute_can_be_asked_and_denied(store_of: Callable[..., ColumnStore], group: str) -> None:
    make = worn if group in CHARACTERIZED_GROUPS else bare
    store = store_of(person(*(make(attribute) for attribute in members(group))), person())
    assert ids(search(Has((group,)), store)) == [1]
    assert ranked(format_query(Not(Has((group,)))), store) == [2, 1]


def test_a_swatch_finds_the_nearest_color(store_of: Callable[..., ColumnStore]) -> None:
    store = store_of(*(person(worn("Coat", color)) for color in COLORS))
    [best, *_] = search(Swatch(("Coat",), "#c02028"), store, config=EVERYBODY, mode="recall").matches
    assert best.person_id == COLORS.index("Red") + 1


def in_pixels(record: CharacterizedAttribute, *colors: tuple[int, int, int]) -> CharacterizedAttribute:
    """The record with equal shares of these sRGB colors in its mask."""
    return replace(record, palette=palette(np.repeat(np.array(colors, np.uint8), 100, axis=0)))


def with_shades(store: ColumnStore, *people: Person) -> ColumnStore:
    """The store with the palettes of these people, all of whom wear coats."""
    shades = np.zeros((COLUMNS, len(people)), np.uint32)
    for row, one in enumerate(people):
        packed = np.frombuffer(pack(one.attributes[0].palette), np.uint32)
        shades[rows_of("Coat")][: len(packed), row] = packed
    store.shades = shades
    return store


def test_a_swatch_is_compared_with_pixels_rather_than_labels(store_of: Callable[..., ColumnStore]) -> None:
    coat = worn("Coat", "Red")
    people = (
        person(in_pixels(coat, (160, 48, 32))),
        person(in_pixels(coat, (160, 48, 32), (240, 240, 240))),
        person(in_pixels(coat, (230, 60, 120))),
        person(in_pixels(coat, (40, 60, 160))),
    )
    store = with_shades(store_of(*people), *people)
    found = search(Swatch(("Coat",), "#a03020"), store, config=EVERYBODY, mode="recall").matches
    assert [match.person_id for match in found] == [1, 2, 3, 4]
    assert found[0].probability > 0.8
    assert found[1].probability == pytest.approx(found[0].probability / 2, rel=0.05)
    assert found[3].probability < 0.01
    assert ranked("-coat:#a03020", store) == [4, 3, 2, 1]


def test_garments_without_a_palette_answer_a_swatch_by_their_labels(store_of: Callable[..., ColumnStore]) -> None:
    people = (person(in_pixels(worn("Coat", "Red"), (40, 60, 160))), person(worn("Coat", "Red")))
    store = with_shades(store_of(*people), *people)
    assert ids(search(parse_query("coat:#a03020"), store)) == [2]
