"""Rendered scenes: exact labels, aligned and repeatable."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from parsing.labels import ATTRIBUTES, CHARACTERISTICS, CHARACTERIZED, LABELS, label_id
from training.sample_gallery import GalleryConfig, write_gallery
from training.synthetic import RenderedScene, people_records, render
from training.synthetic_cloth import TINTS, sample_tint
from training.synthetic_sampling import hair, make_garment, sample_scene
from training.synthetic_specs import Camera, Garment, Outfit, PersonSpec, SceneSpec

CLOTHES = [label_id("attribute", name) for name in CHARACTERIZED]


def garment(kind: str, size: str, style: str, color: str = "Blue") -> Garment:
    return make_garment(np.random.default_rng(3), kind, size=size, style=style, color=color, reach=0.4)


def outfit(**worn: Garment) -> Outfit:
    basic = {
        "Hair": hair(np.random.default_rng(1), "crop", "Dark"),
        "UpperClothes": garment("UpperClothes", "Long/large", "crew long hip", "Red"),
        "Pants": garment("Pants", "Long/large", "straight"),
        "Shoes": garment("Shoes", "Short/small", "lace-up", "Dark"),
    }
    return Outfit(basic | worn)


def portrait(clothes: Outfit, *, yaw: float = 0.0, row: float = 60.0) -> RenderedScene:
    """One person, about 150 pixels tall, in the middle of a 200x120 picture; `row` is the horizon."""
    person = PersonSpec(clothes, (0.8, 0.6, 0.5), yaw=yaw, z=4.0, seed=5)
    return render(SceneSpec(200, 120, "wall", Camera(340.0, 60.0, row, 1.5), (person,), seed=2))


def size_of(scene: RenderedScene, attribute: str) -> str:
    ids = np.unique(scene.size[scene.attribute == label_id("attribute", attribute)])
    assert len(ids) == 1
    return LABELS["size"][ids[0] - 1]


@pytest.fixture(scope="module")
def crowd() -> RenderedScene:
    return render(sample_scene(np.random.default_rng(4), height=144, width=216, num_people=6, rare=0.6))


def test_labels_belong_to_people_and_characteristics_to_clothes(crowd: RenderedScene) -> None:
    assert (crowd.human[crowd.attribute > 0] > 0).all()
    clothes = np.isin(crowd.attribute, CLOTHES)
    for task in CHARACTERISTICS:
        labels = getattr(crowd, task)
        assert ((labels > 0) == clothes).all()
        assert labels.max() <= len(LABELS[task])


def test_each_garment_of_a_person_has_one_look(crowd: RenderedScene) -> None:
    for person in np.unique(crowd.human[crowd.human > 0]):
        for attribute in CLOTHES:
            mask = (crowd.human == person) & (crowd.attribute == attribute)
            for task in CHARACTERISTICS:
                assert len(np.unique(getattr(crowd, task)[mask])) <= 1


def test_same_seed_gives_same_pixels() -> None:
    first, second = (
        render(sample_scene(np.random.default_rng(9), height=96, width=80, num_people=2)) for _ in range(2)
    )
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.attribute, second.attribute)


@pytest.mark.parametrize("pair", ["shoe", "arm"])
@pytest.mark.parametrize(("yaw", "sign"), [(0.0, 1), (np.pi, -1)], ids=["from the front", "from behind"])
def test_left_is_the_persons_own(pair: str, yaw: float, sign: int) -> None:
    scene = portrait(outfit(), yaw=yaw)
    left, right = (np.nonzero(scene.attribute == label_id("attribute", f"{side}-{pair}"))[1].mean() for side in "LR")
    assert sign * (left - right) > 5


@pytest.mark.parametrize(
    ("name", "worn"),
    [
        ("Pants", garment("Pants", "Short/small", "straight")),
        ("Pants", garment("Pants", "Long/large", "straight")),
        ("Coat", garment("Coat", "Long/large", "coat open")),
        ("Coat", garment("Coat", "Short/small", "blazer open")),
        ("UpperClothes", garment("UpperClothes", "Short/small", "crew short hip")),
        ("Hat", garment("Hat", "Long/large", "sun")),
        ("Scarf", garment("Scarf", "Long/large", "wrap")),
        ("Hair", hair(np.random.default_rng(1), "bald", "Dark")),
        ("Hair", hair(np.random.default_rng(1), "long", "Brown")),
    ],
)
def test_visible_garments_keep_their_size(name: str, worn: Garment) -> None:
    assert size_of(portrait(outfit(**{name: worn})), name) == worn.size


def test_boots_are_long_shoes() -> None:
    scene = portrait(
        outfit(Pants=garment("Pants", "Short/small", "straight"), Shoes=garment("Shoes", "Long/large", "boot"))
    )
    assert size_of(scene, "L-shoe") == size_of(scene, "R-shoe") == "Long/large"


def test_size_is_undetermined_where_the_picture_cuts_the_hem_off() -> None:
    scene = portrait(outfit(), row=130.0)
    assert size_of(scene, "Pants") == "Undetermined"
    assert size_of(scene, "Hair") == "Short/small"


def test_size_of_a_top_is_undetermined_where_a_coat_covers_its_sleeves() -> None:
    scene = portrait(outfit(Coat=garment("Coat", "Short/small", "blazer open")))
    assert size_of(scene, "UpperClothes") == "Undetermined"


def test_garment_is_drawn_in_its_colour() -> None:
    scene = portrait(outfit(UpperClothes=garment("UpperClothes", "Long/large", "crew long hip", "Red")))
    red, green, blue = scene.image[scene.attribute == label_id("attribute", "UpperClothes")].mean(0)
    assert red > 1.5 * max(green, blue)


@pytest.mark.parametrize("color", TINTS)
def test_tints_stay_within_the_picture_range(color: str) -> None:
    rng = np.random.default_rng(0)
    tints = np.array([sample_tint(rng, color) for _ in range(50)])
    assert tints.min() > 0
    assert tints.max() < 1
    assert tints.std(0).max() > 0.01


def test_records_repeat_the_maps(crowd: RenderedScene) -> None:
    people = people_records(crowd)
    ids = [int(person) for person in np.unique(crowd.human) if person]
    assert len(people) == len(ids)
    for person, instance in zip(people, ids, strict=True):
        mask = crowd.human == instance
        np.testing.assert_array_equal(person.mask.decode(), mask)
        assert set(person.presence) == set(ATTRIBUTES)
        assert {a.attribute for a in person.attributes} == {name for name, seen in person.presence.items() if seen == 1}
        for attribute in person.attributes:
            part = mask & (crowd.attribute == label_id("attribute", attribute.attribute))
            np.testing.assert_array_equal(attribute.mask.decode(), part)
            assert attribute.area == part.sum()
            for task, probabilities in attribute.probabilities.items():
                assert probabilities[getattr(crowd, task)[part][0] - 1] == sum(probabilities) == 1


def test_forty_people_fit_into_a_scene() -> None:
    scene = sample_scene(np.random.default_rng(6), height=160, width=240, num_people=40)
    rendered = render(scene)
    assert len(scene.people) == 40
    assert len(people_records(rendered)) >= 34  # a few may be hidden behind others


def test_nobody_is_a_scene_too() -> None:
    rendered = render(sample_scene(np.random.default_rng(6), height=64, width=64, num_people=0))
    assert people_records(rendered) == ()
    assert rendered.image.std() > 0


def test_photograph_can_be_the_backdrop() -> None:
    scene = sample_scene(np.random.default_rng(2), height=96, width=96, num_people=1)
    clean = replace(scene, grade=replace(scene.grade, noise=0.0, blur=0.0, jpeg_quality=0))
    blue = np.full((96, 96, 3), (20, 40, 230), np.uint8)
    empty = render(clean, backdrop=blue)
    assert empty.image[empty.human == 0].mean(0).argmax() == 2
    with pytest.raises(ValueError, match=r"backdrop must have shape \(96, 96, 3\), got \(8, 8, 3\)"):
        render(scene, backdrop=blue[:8, :8])


def test_gallery_is_written_with_truth_and_exif(tmp_path: Path) -> None:
    pictures = write_gallery(tmp_path, GalleryConfig(count=2, long_side=150))
    truth = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    assert [entry["file"] for entry in truth["images"]] == [picture.name for picture in pictures]
    coats = [
        item for person in truth["images"][0]["people"] for item in person["attributes"] if item["attribute"] == "Coat"
    ]
    assert "Red" in {coat["color"] for coat in coats}
    with Image.open(pictures[0]) as image:
        assert image.size == (truth["images"][0]["width"], truth["images"][0]["height"])
        assert image.getexif()[0x0110] == truth["images"][0]["camera"]
