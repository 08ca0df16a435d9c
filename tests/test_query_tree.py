"""Tests of the query tree and its compact text."""

import re
from datetime import datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsing.labels import ATTRIBUTE_GROUPS, CHARACTERIZED, COLORS, PATTERNS, SIZES, members
from query.tree import (
    And,
    Camera,
    Captured,
    Clause,
    Daytime,
    Gallery,
    Has,
    Like,
    Not,
    Or,
    People,
    Query,
    Swatch,
    clauses,
    conjunction,
    format_query,
    parse_query,
)

COAT = Has(("Coat",), size=("Long/large",), color=("Red",))


def some(labels: tuple[str, ...], *, at_least: int = 0) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(labels), unique=True, min_size=at_least, max_size=3).map(tuple)


CLOTHES = tuple(group for group in ATTRIBUTE_GROUPS if members(group)[0] in CHARACTERIZED)
WEIGHTS = st.floats(min_value=1e-9, max_value=1e9)
MOMENTS = st.none() | st.datetimes()
DAY_TIMES = st.none() | st.times()
COUNTS = st.none() | st.integers(min_value=0, max_value=10**6)


def valid(make: object, *parts: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Terms made of the parts, leaving out ranges that the term refuses."""

    def attempt(values: tuple[object, ...]) -> object:
        try:
            return make(*values)  # type: ignore[operator]
        except ValueError:
            return None

    return st.tuples(*parts).map(attempt).filter(lambda term: term is not None)


LEAVES = st.one_of(
    st.builds(Has, some(CLOTHES, at_least=1), some(SIZES), some(PATTERNS), some(COLORS), WEIGHTS),
    st.builds(Has, some(ATTRIBUTE_GROUPS, at_least=1), weight=WEIGHTS),
    st.builds(Swatch, some(CLOTHES, at_least=1), st.from_regex("#[0-9a-f]{6}", fullmatch=True), WEIGHTS),
    st.builds(Like, st.integers(min_value=0), st.none() | st.sampled_from(ATTRIBUTE_GROUPS), WEIGHTS),
    st.builds(Camera, st.text(min_size=1)),
    st.builds(Gallery, st.text(min_size=1)),
    valid(Captured, MOMENTS, MOMENTS),
    valid(Daytime, DAY_TIMES, DAY_TIMES),
    valid(People, COUNTS, COUNTS),
)
TREES = st.recursive(
    LEAVES,
    lambda terms: st.one_of(
        st.builds(Not, terms),
        st.builds(And, st.lists(terms, min_size=2, max_size=4).map(tuple)),
        st.builds(Or, st.lists(terms, min_size=2, max_size=4).map(tuple)),
    ),
    max_leaves=8,
)


@given(TREES)
def test_text_of_any_tree_parses_back_to_the_same_tree(tree: Query) -> None:
    assert parse_query(format_query(tree)) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("coat:red,long", COAT),
        ("coat:long,red", COAT),
        ("COAT:Red,long", COAT),
        ("(upperclothes|coat):red", Has(("UpperClothes", "Coat"), color=("Red",))),
        ("coat:red^0.5", Has(("Coat",), color=("Red",), weight=0.5)),
        ("-hat", Not(Has(("Hat",)))),
        ("hat or scarf -coat", Or((Has(("Hat",)), And((Has(("Scarf",)), Not(Has(("Coat",)))))))),
        ("(-hat) (scarf)", And((Not(Has(("Hat",))), Has(("Scarf",))))),
        ("-(hat or scarf)", Not(Or((Has(("Hat",)), Has(("Scarf",)))))),
        ("torso-skin", Has(("Torso-skin",))),
        ("coat:like:12 like:40", And((Like(12, "Coat"), Like(40)))),
        ("coat:#A03020", Swatch(("Coat",), "#a03020")),
        ('camera:3 gallery:"summer 2026"', And((Camera("3"), Gallery("summer 2026")))),
        ("people:2 hat", And((People(2, 2), Has(("Hat",))))),
        ("people:3..", People(3, None)),
        ("daytime:17:00..", Daytime(time(17), None)),
        ("captured:2026-05-01..2026-05-02T12:00", Captured(datetime(2026, 5, 1), datetime(2026, 5, 2, 12))),
    ],
)
def test_parse_query_reads_the_compact_form(text: str, tree: Query) -> None:
    assert parse_query(text) == tree


def test_format_query_writes_the_form_shown_in_the_design() -> None:
    tree = And((COAT, Not(Has(("Hat",))), Has(("Pants",), color=("Blue", "Dark"))))
    assert format_query(tree) == "coat:red,long -hat pants:(blue|dark)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected an attribute (hat, hair,"),
        ("cape:red", "'cape' is not an attribute; expected one of hat, hair, glove"),
        ("coat:mauve", "'mauve' is not a size, pattern or color; expected one of short, long"),
        ("coat:", "expected a size, pattern or color (short, long"),
        ("coat:red,blue", "each of size, pattern and color is asked once"),
        ("coat:(red|long)", "each of size, pattern and color is asked once"),
        ("coat^", "expected a weight such as ^0.5"),
        ("coat^0", "a weight is a finite number above 0, got 0"),
        ("(coat hat", "expected ')' at character 10"),
        ("coat)", "expected a term or the end of the query, got ')'"),
        ("coat or", "expected an attribute"),
        ("face:red", "size, pattern and color are known of clothes and hair only, not of Face"),
        ("(coat|coat)", "each attribute label may stand once"),
        ("people:..", "people needs a first or a last value"),
        ("people:5..2", "people expects the smaller number first"),
        ("captured:yesterday", "expected a value for captured: such as 2026-05-01"),
        ("captured:17:00..", "captured: expects times such as 2026-05-01"),
        ("daytime:2026-05-01..", "daytime: expects times such as 17:00:00.."),
        ("like:3..4", "like: expects a number such as 12, got '3..4'"),
        ("(coat|hat):like:3", "like: expects one attribute before it, got Coat, Hat"),
        ("camera: 3", "expected a name"),
        ("-" * 5000 + "hat", "a query nests at most 100 terms deep"),
    ],
)
def test_bad_text_is_refused_with_what_may_stand_there(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_query(text)


def test_terms_refuse_labels_that_do_not_exist() -> None:
    with pytest.raises(ValueError, match="color 'Mauve' is not known; expected some of Dark, Medium"):
        Has(("Coat",), color=("Mauve",))
    with pytest.raises(ValueError, match="a clause needs an attribute"):
        Has(())
    with pytest.raises(ValueError, match="And joins two terms or more, got 1"):
        And((COAT,))
    with pytest.raises(ValueError, match="#rrggbb"):
        Swatch(("Coat",), "red")


def test_clauses_are_the_garments_in_reading_order_with_denials_resolved() -> None:
    hat, scarf = Has(("Hat",), weight=0.5), Has(("Scarf",))
    tree = And((COAT, Not(Or((hat, Not(scarf)))), Camera("3")))
    assert clauses(tree) == (Clause(COAT, False), Clause(hat, True), Clause(scarf, False))
    assert [clause.text for clause in clauses(tree)] == ["coat:red,long", "-hat^0.5", "scarf"]
    assert clauses(tree)[1].weight == 0.5


def test_conjunction_keeps_a_single_term_as_it_is() -> None:
    assert conjunction((COAT,)) == COAT
    assert conjunction((COAT, Camera("1"))) == And((COAT, Camera("1")))
