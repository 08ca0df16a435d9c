import numpy as np

from parsing.labels import IGNORE, TASKS, label_id
from training.accessories import accessories_of, hands_of, put_on, put_on_gloves
from training.canvas import Layer, copy

HAIR, FACE, COAT, PANTS, HAT, SCARF, GLOVE, RIGHT_ARM, LEFT_ARM = (
    label_id("attribute", name) for name in ("Hair", "Face", "Coat", "Pants", "Hat", "Scarf", "Glove", "R-arm", "L-arm")
)
NUMBERED = ((HAIR, 0, 20, 30, 50), (FACE, 8, 20, 34, 46), (COAT, 20, 100, 20, 60), (PANTS, 100, 200, 28, 52))
HANDS = ((RIGHT_ARM, 92, 104, 14, 20), (LEFT_ARM, 92, 104, 60, 66))


def somebody(*worn: tuple[int, int, int, int, int]) -> Layer:
    """A person of rectangles (attribute, top, bottom, left, right) in a picture of 200 x 80, whatever is worn last."""
    maps = {name: np.zeros((200, 80), np.uint8) for name in ("human", "unsure", *TASKS)}
    image = np.full((200, 80, 3), 200, np.uint8)
    for attribute, top, bottom, left, right in (*NUMBERED, *worn):
        place = (slice(top, bottom), slice(left, right))
        maps["human"][place], maps["attribute"][place] = 1, attribute
        maps["size"][place], maps["pattern"][place], maps["color"][place] = 2, 1, 1
        image[place] = 10 * attribute
    return Layer(image, maps)


def test_hands_with_long_sleeves_get_gloves_of_a_named_color() -> None:
    person = somebody(*HANDS)
    hands = hands_of(person)
    assert hands is not None
    np.testing.assert_array_equal(hands, np.isin(person.maps["attribute"], (RIGHT_ARM, LEFT_ARM)))
    gloved = copy(person)
    put_on_gloves(gloved, np.random.default_rng(0))
    assert set(gloved.maps["attribute"][hands]) == {GLOVE}
    assert len(set(gloved.maps["color"][hands])) == 1
    assert (gloved.image[hands] != person.image[hands]).any()
    np.testing.assert_array_equal(gloved.image[~hands], person.image[~hands])


def test_bare_arms_get_no_gloves() -> None:
    person = somebody((RIGHT_ARM, 40, 104, 14, 20), HANDS[1])
    assert hands_of(person) is None
    put_on_gloves(gloved := copy(person), np.random.default_rng(0))
    np.testing.assert_array_equal(gloved.maps["attribute"], person.maps["attribute"])


def test_a_hat_is_lent_in_the_size_of_the_face_and_no_hair_is_above_it() -> None:
    (hat,) = accessories_of(somebody((HAT, 0, 10, 28, 52)))
    taller = somebody()
    taller = taller.resize(taller.height * 2, taller.width * 2)
    wearing = put_on(taller, hat, np.random.default_rng(0))
    hat_rows, hat_columns = np.nonzero(wearing.maps["attribute"] == HAT)
    face_rows, face_columns = np.nonzero(wearing.maps["attribute"] == FACE)
    assert 40 <= np.ptp(hat_columns) <= 60
    assert abs(hat_columns.mean() - face_columns.mean()) < 3
    assert hat_rows.max() < face_rows.mean()
    assert not (wearing.maps["attribute"][: hat_rows.min()] == HAIR).any()
    assert (wearing.maps["human"][hat_rows, hat_columns] == 1).all()


def test_who_wears_a_scarf_gets_no_second_one() -> None:
    wearer = somebody((SCARF, 20, 40, 30, 50))
    (scarf,) = accessories_of(wearer)
    assert put_on(wearer, scarf, np.random.default_rng(0)) is wearer


def test_people_labelled_by_a_network_lend_nothing() -> None:
    wearer = somebody((HAT, 0, 10, 28, 52))
    wearer.maps["attribute"][150:160, 30:40] = IGNORE
    assert list(accessories_of(wearer)) == []
