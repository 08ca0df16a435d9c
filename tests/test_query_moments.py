"""Tests of what a sentence says of the image: when, where, how many people."""

from datetime import datetime

import pytest

from query.moments import find_image_phrases
from query.tree import format_query

NOW = datetime(2026, 11, 23, 15, 30)  # a Monday


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("man in red yesterday", ["captured:2026-11-22T00:00:00..2026-11-23T00:00:00"]),
        ("yesterday evening on camera 2", ["captured:2026-11-22T18:00:00..2026-11-22T22:00:00", "camera:2"]),
        ("last night", ["captured:2026-11-22T22:00:00..2026-11-23T06:00:00"]),
        ("on monday", ["captured:2026-11-16T00:00:00..2026-11-17T00:00:00"]),
        ("last week", ["captured:2026-11-16T00:00:00..2026-11-23T00:00:00"]),
        ("in the last 3 hours", ["captured:2026-11-23T12:30:00.."]),
        ("on May 3rd", ["captured:2026-05-03T00:00:00..2026-05-04T00:00:00"]),
        ("on 24 December", ["captured:2025-12-24T00:00:00..2025-12-25T00:00:00"]),
        ("since 2026-05-01", ["captured:2026-05-01T00:00:00.."]),
        ("after 5 pm", ["daytime:17:00:00.."]),
        ("before noon", ["daytime:..12:00:00"]),
        ("between 5 and 7 pm", ["daytime:17:00:00..19:00:00"]),
        ("at 17:30", ["daytime:17:00:00..18:00:00"]),
        ("at night", ["daytime:22:00:00..06:00:00"]),
        ('from camera "Front door"', ['camera:"Front door"']),
        ("in gallery summer-2026", ["gallery:summer-2026"]),
        ("two people", ["people:2"]),
        ("at least three people", ["people:3.."]),
        ("fewer than 4 people", ["people:..3"]),
    ],
)
def test_terms_of_the_image_are_found(text: str, terms: list[str]) -> None:
    assert [format_query(phrase.term) for phrase in find_image_phrases(text, NOW)] == terms


@pytest.mark.parametrize(
    "text",
    [
        "a woman holding a camera",
        "behind two people in red",
        "in an art gallery",
        "on 31 February",
        "a sunny day",
        "after 25:00",
        "fewer than 0 people",
        "a red coat after 9999-12-31",
    ],
)
def test_nothing_is_guessed(text: str) -> None:
    assert find_image_phrases(text, NOW) == ()
