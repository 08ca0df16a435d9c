import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from parsing.labels import IGNORE, LABELS, label_id
from tests.factories import two_people_sample
from training.canvas import Layer, areas, blank, copy, forget_hidden, paste
from training.composite import Composer, CompositeConfig, Source, plain_garments
from training.dataset import CompositeBatches, person_targets, rarity
from training.recolor import COLOR_RANGES, draw_color, recolor


def source() -> Source:
    sample = two_people_sample()
    sample.human[sample.human == 2] = 0  # a photograph of one person
    for label_map in sample.tasks.values():
        label_map[sample.human == 0] = 0
    return Source.of(Layer.of(sample), 1.0)


def composer(**changes: float) -> Composer:
    group = Source.of(Layer.of(two_people_sample()), 1.0)
    return Composer([source()], [group], [blank(80, 80)], [], CompositeConfig(**changes))


@pytest.mark.parametrize("seed", range(20))
def test_labels_belong_to_people_and_the_shape_is_as_asked(seed: int) -> None:
    layer = composer().compose(np.random.default_rng(seed), 96, 64)
    assert layer.image.shape == (96, 64, 3)
    assert layer.image.dtype == np.uint8
    clothed = (layer.maps["attribute"] > 0) & (layer.maps["attribute"] < IGNORE)
    assert (layer.maps["human"][clothed] > 0).all()
    for task in ("size", "pattern", "color"):
        named = (layer.maps[task] > 0) & (layer.maps[task] < IGNORE)
        assert clothed[named].all()
        assert layer.maps[task][named].max(initial=0) <= len(LABELS[task])


def test_the_same_number_gives_the_same_batch() -> None:
    first, second = (
        CompositeBatches(composer(), batch=2, side=64, final_side=64, final_from=20, seed=5, first=start, last=9)
        for start in (0, 3)
    )
    np.testing.assert_array_equal(first[4].images.numpy(), second[1].images.numpy())
    assert not np.array_equal(first[4].images.numpy(), first[5].images.numpy())


def test_mirroring_swaps_left_and_right() -> None:
    layer = blank(4, 4)
    layer.maps["attribute"][:, 0] = label_id("attribute", "L-shoe")
    mirrored = layer.mirror()
    assert (mirrored.maps["attribute"][:, 3] == label_id("attribute", "R-shoe")).all()
    np.testing.assert_array_equal(mirrored.mirror().maps["attribute"], layer.maps["attribute"])


def test_a_nearer_person_covers_a_farther_one() -> None:
    canvas, person = blank(32, 32), source().cutout
    alpha = np.ones((person.height, person.width), np.float32)
    for number in (1, 2):
        paste(canvas, person, 2, 4 * number, number, alpha[: person.height])
    assert (canvas.maps["human"] == 2).sum() == (person.maps["human"][:30] > 0).sum()
    assert 0 < (canvas.maps["human"] == 1).sum() < (canvas.maps["human"] == 2).sum()


def test_a_coat_that_is_mostly_cut_off_has_no_known_length() -> None:
    layer = Layer.of(two_people_sample())
    undetermined = label_id("size", "Undetermined")
    for kept, expected in ((30, undetermined), (42, IGNORE), (60, 2)):
        cut = forget_hidden(layer.crop(0, 0, kept, 64), areas(layer))
        assert set(np.unique(cut.maps["size"][cut.maps["human"] == 1])) == {expected}


def test_outside_a_crop_there_is_nobody() -> None:
    layer = Layer.of(two_people_sample()).crop(-10, -20, 100, 120)
    assert layer.image.shape == (100, 120, 3)
    assert layer.maps["human"][:10].max() == 0
    np.testing.assert_array_equal(layer.maps["human"][10:74, 20:84], two_people_sample().human)


@pytest.mark.parametrize("label", sorted(COLOR_RANGES))
def test_a_repainted_garment_has_the_color_it_is_called(label: str) -> None:
    layer = copy(Layer.of(two_people_sample()))
    region = layer.maps["human"] == 1
    layer.image[region] += np.random.default_rng(0).integers(0, 30, (region.sum(), 1), np.uint8)
    recolor(layer, region, label, np.random.default_rng(1))
    assert set(np.unique(layer.maps["color"][region])) == {label_id("color", label)}
    expected = draw_color(np.random.default_rng(1), label)
    mean = rgb2lab(layer.image[region].mean(0)[None, None] / 255)[0, 0]
    assert deltaE_ciede2000(mean, expected) < 12
    assert layer.image[region].std() > 0
    np.testing.assert_array_equal(layer.image[~region], Layer.of(two_people_sample()).image[~region])


def test_only_plain_garments_are_repainted() -> None:
    layer = Layer.of(two_people_sample())
    layer.maps["pattern"][layer.maps["human"] == 2] = label_id("pattern", "Fancy")
    (region,) = plain_garments(layer)
    np.testing.assert_array_equal(region, layer.maps["human"] == 1)


def test_targets_are_fractions_of_the_picture() -> None:
    human = two_people_sample().human
    targets = person_targets(human, np.zeros_like(human))
    np.testing.assert_allclose(targets.boxes_cxcywh.numpy(), [[0.25, 0.5, 0.25, 0.75], [0.75, 0.5, 0.25, 0.75]])
    assert targets.masks.shape == (2, 16, 16)
    assert targets.known.min() == 1


def test_crowd_pixels_are_not_known_and_nobody() -> None:
    human = two_people_sample().human.copy()
    human[human == 2] = IGNORE
    targets = person_targets(human, np.zeros_like(human))
    assert len(targets.masks) == 1
    assert targets.known.min() == 0


def test_rare_labels_weigh_more() -> None:
    common, rare = Layer.of(two_people_sample()), Layer.of(two_people_sample())
    rare.maps["color"][rare.maps["human"] == 1] = label_id("color", "Purple")
    weights = rarity([common] * 9 + [rare])
    assert weights[-1] > weights[0]
