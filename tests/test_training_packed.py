import numpy as np

from parsing.labels import TASKS
from tests.factories import photograph
from training.canvas import Layer
from training.packed import PackedLayer, PackedLayers


def layer(height: int, width: int, seed: int) -> Layer:
    rng = np.random.default_rng(seed)
    names = ("human", "unsure", *TASKS)
    small = {name: rng.integers(0, 5, (height // 16, width // 16), dtype=np.uint8) for name in names}
    maps = {name: m.repeat(16, 0).repeat(16, 1) for name, m in small.items()}
    return Layer(photograph(height, width, seed=seed), maps)


def test_labels_come_back_as_they_were_and_the_image_almost() -> None:
    before = layer(96, 64, 1)
    after = PackedLayer.of(before).unpack()
    for name, expected in before.maps.items():
        np.testing.assert_array_equal(after.maps[name], expected)
    assert np.abs(after.image.astype(int) - before.image).mean() < 4


def test_a_mirrored_part_of_a_layer_is_packed_as_it_looks() -> None:
    before = layer(96, 64, 1).mirror().crop(8, 8, 40, 32)
    np.testing.assert_array_equal(PackedLayer.of(before).unpack().maps["color"], before.maps["color"])


def test_a_packed_layer_takes_a_fraction_of_its_memory() -> None:
    packed = PackedLayer.of(layer(480, 320, 1))
    labels = sum(len(m) for m in packed.maps.values())
    assert labels < 480 * 320 * len(packed.maps) / 10


def test_a_list_holds_its_layers_in_order() -> None:
    layers = PackedLayers([layer(32, 16, 1)])
    layers.extend([layer(16, 32, 2), layer(16, 16, 3)])
    assert [(one.height, one.width) for one in layers] == [(32, 16), (16, 32), (16, 16)]
    assert [one.height for one in layers[1:]] == [16, 16]
