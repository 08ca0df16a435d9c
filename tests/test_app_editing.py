import pytest

from app.editing import narrowed, without
from query.tree import Has, format_query, parse_query


@pytest.mark.parametrize(
    ("text", "position", "rest"),
    [
        ("coat:red -hat glasses", 0, "-hat glasses"),
        ("coat:red -hat glasses", 1, "coat:red glasses"),
        ("coat:red -hat", 1, "coat:red"),
        ("coat (hat or scarf)", 1, "coat scarf"),
        ("coat (hat or scarf)", 2, "coat hat"),
        ("-(hat scarf) coat", 0, "-scarf coat"),
    ],
)
def test_without_takes_one_leaf_and_leaves_the_rest(text: str, position: int, rest: str) -> None:
    changed = without(parse_query(text), position)
    assert changed is not None
    assert format_query(changed) == rest


def test_without_the_only_leaf_leaves_nothing() -> None:
    assert without(parse_query("-coat:red"), 0) is None


@pytest.mark.parametrize(
    ("text", "more", "both"),
    [
        ("coat", Has(("Coat",), color=("Red",)), "coat:red"),
        ("coat:red -hat", Has(("Coat",), size=("Long/large",)), "coat:red,long -hat"),
        ("coat:red", Has(("Coat",), color=("Blue",)), "coat:red coat:blue"),
        ("coat:red", Has(("Hat",)), "coat:red hat"),
        ("coat or hat", Has(("Coat",), color=("Red",)), "(coat or hat) coat:red"),
        ("(coat|upperclothes):red", Has(("Coat",), size=("Long/large",)), "(coat|upperclothes):red coat:long"),
    ],
)
def test_narrowed_asks_within_the_clause_on_the_same_attribute(text: str, more: Has, both: str) -> None:
    assert format_query(narrowed(parse_query(text), more)) == both
