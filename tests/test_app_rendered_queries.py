"""On rendered scenes everybody's clothes are known, so a search must find exactly the right people."""

from collections.abc import Callable

import pytest
from rendered import RenderedGallery

from app.config import AppConfig
from app.reading import query_parser
from app.workspace import Workspace, open_workspace
from parsing.labels import LABELS
from parsing.records import Person

Fits = Callable[[Person], bool]


@pytest.fixture(scope="module")
def workspace(rendered_gallery: RenderedGallery) -> Workspace:
    return open_workspace(AppConfig(home=rendered_gallery.home))


def wears(attribute: str, task: str = "", label: str = "") -> Fits:
    def fits(person: Person) -> bool:
        for record in person.attributes:
            if record.attribute == attribute:
                values = record.probabilities.get(task, ())
                return not task or LABELS[task][max(range(len(values)), key=values.__getitem__)] == label
        return False

    return fits


def shows_head(person: Person) -> bool:
    return wears("Face")(person) or wears("Hair")(person)


def both(*conditions: Fits) -> Fits:
    return lambda person: all(condition(person) for condition in conditions)


def lacks(condition: Fits) -> Fits:
    return lambda person: not condition(person)


def either(*conditions: Fits) -> Fits:
    return lambda person: any(condition(person) for condition in conditions)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("red coat", wears("Coat", "color", "Red")),
        ("yellow skirt", wears("Skirt", "color", "Yellow")),
        ("blue jeans", wears("Pants", "color", "Blue")),
        ("a man in a dark coat", wears("Coat", "color", "Dark")),
        ("brown hair and glasses", both(wears("Hair", "color", "Brown"), wears("Glasses"))),
        ("blue jeans without a hat", both(wears("Pants", "color", "Blue"), shows_head, lacks(wears("Hat")))),
        ("somebody wearing a hat", wears("Hat")),
        ("face mask", wears("Mask")),
        ("gloves", wears("Glove")),
        ("red or green coat", either(wears("Coat", "color", "Red"), wears("Coat", "color", "Green"))),
        ("plain blue pants", both(wears("Pants", "color", "Blue"), wears("Pants", "pattern", "Solid"))),
        ("blue coat, no glasses", both(wears("Coat", "color", "Blue"), wears("Face"), lacks(wears("Glasses")))),
    ],
)
def test_a_description_finds_exactly_the_right_people(workspace: Workspace, text: str, fits: Fits) -> None:
    tree = query_parser().parse(text).tree
    assert tree is not None
    result = workspace.searcher.search(tree, mode="strict", limit=100)
    everyone = workspace.index.people(int(person_id) for person_id in workspace.index.person_ids())
    right = {stored.person_id for stored in everyone if fits(stored.person)}
    assert {match.person_id for match in result.matches} == right
    assert result.total == len(right)


def test_the_gallery_has_people_for_most_of_these(workspace: Workspace) -> None:
    everyone = [stored.person for stored in workspace.index.people(map(int, workspace.index.person_ids()))]
    assert len(everyone) >= 12
    assert any(wears("Coat", "color", "Red")(person) for person in everyone)
    assert any(wears("Skirt", "color", "Yellow")(person) for person in everyone)
