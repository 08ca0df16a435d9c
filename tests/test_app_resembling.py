from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rendered import RenderedGallery

from app.config import AppConfig
from app.garments import garments_of
from app.resembling import OUTFIT_MODE, like_queries, outfit_query
from app.screens.person_view import person_view
from app.workspace import Workspace, open_workspace
from index.adding import NewImage
from parsing.labels import COLORS
from parsing.records import ParsedImage, Person
from query.tree import parse_query
from tests.index_samples import HEIGHT, WIDTH, bare, person


def test_an_outfit_finds_the_person_it_was_taken_from(rendered_gallery: RenderedGallery) -> None:
    searcher = open_workspace(AppConfig(home=rendered_gallery.home)).searcher
    store = searcher.store()
    for stored in searcher.index.people(store.person_ids):
        outfit = outfit_query(stored.person_id, garments_of(stored.person), searcher, store)
        assert outfit
        found = searcher.search(parse_query(outfit), mode=OUTFIT_MODE)
        assert found.matched[store.row(stored.person_id)], outfit


def unsure(one: Person, *, color: float, presence: float) -> Person:
    """A person whose coat may have another color, or may be none."""
    coat, face = one.attributes
    rest = (1 - color) / (len(COLORS) - 1)
    colors = tuple(color if label == "Red" else rest for label in COLORS)
    coat = replace(coat, score=presence, probabilities={**coat.probabilities, "color": colors})
    return replace(one, attributes=(coat, face), presence={**one.presence, "Coat": presence})


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    opened = open_workspace(AppConfig(home=tmp_path))
    people = [person(), unsure(person(), color=0.4, presence=0.95), unsure(person(), color=0.9, presence=0.1)]
    people += [bare(person())]
    images = [
        NewImage(ParsedImage(Path(f"{number}.jpg"), HEIGHT, WIDTH, (one,)), content_hash=str(number))
        for number, one in enumerate(people)
    ]
    opened.index.add(images, gallery="g", checkpoint_hash="c1")
    return opened


@pytest.mark.parametrize(("person_id", "outfit"), [(1, "coat:red"), (2, "coat"), (3, None), (4, None)])
def test_an_outfit_asks_only_what_is_sure(person_id: int, outfit: str | None, workspace: Workspace) -> None:
    assert person_view(person_id, workspace, None)["outfit"] == outfit


def test_whoever_shows_nothing_is_no_example(workspace: Workspace) -> None:
    store = workspace.searcher.store()
    likes = like_queries(store.person_ids.tolist(), store)
    for person_id, like in zip(store.person_ids, likes, strict=True):
        try:
            workspace.searcher.search(parse_query(f"like:{person_id}"))
        except ValueError:
            assert like is None
        else:
            assert like == f"like:{person_id}"
    assert likes[0] == "like:1"
    assert likes[3] is None
    assert np.array_equal(store.person_ids, [1, 2, 3, 4])
