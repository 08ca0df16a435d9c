from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from parsing.backbone import upsample
from parsing.fused import fused
from parsing.labels import TASKS, num_classes
from parsing.model import CONFIGS, HPTR, HPTRConfig, away
from parsing.preprocess import pad
from parsing.transformer import cell_centers
from tests.factories import photograph, tiny_config

CHANGES: dict[str, dict[str, object]] = {
    "anchored": {"anchored": True, "dilate_last": True},
    "plain": {"anchored": False, "dilate_last": False},
    "convolutions": {"mask_head": "convolutions", "separable": False},
    "inverted": {"block": "inverted", "blocks": (1, 1, 1, 1, 1, 2, 1), "widths": (8, 8, 8, 8, 16, 16, 16)},
    "inverted, undilated": {
        "block": "inverted",
        "blocks": (1, 1, 2, 1, 1, 1, 1),
        "widths": (8, 8, 8, 8, 16, 16, 24),
        "dilate_last": False,
    },
    "narrow": {"narrow_width": 8},
    "bottleneck": {"block": "bottleneck", "stem": "pool", "anchored": False, "dilate_last": False},
}


@pytest.fixture(params=sorted(CHANGES))
def config(request: pytest.FixtureRequest) -> HPTRConfig:
    return replace(tiny_config(), **CHANGES[request.param])


def shrunk(name: str) -> HPTRConfig:
    """A configuration as it is, but for fewer blocks and layers and a quarter of its channels."""
    config = CONFIGS[name]
    thin = {
        field: getattr(config, field) // 4
        for field in ("pyramid_width", "head_width", "narrow_width", "transformer_width", "hidden")
    }
    widths = tuple(width // 4 for width in config.widths)
    return replace(config, blocks=(1,) * len(widths), widths=widths, encoder_layers=1, decoder_layers=2, **thin)


def network(config: HPTRConfig) -> HPTR:
    torch.manual_seed(0)
    model = HPTR(config)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # as after training: a shift that would fill the padding
            torch.nn.init.uniform_(module.bias, -0.5, 0.5)
            module.running_mean = torch.rand_like(module.bias.detach()) - 0.5
    return model.eval()


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_upsample_is_bilinear_with_zeros_past_the_edge(factor: int) -> None:
    maps = torch.randn(2, 3, 5, 4)
    padded = functional.interpolate(functional.pad(maps, (1, 1, 1, 1)), scale_factor=factor, mode="bilinear")
    inside = slice(factor, -factor)
    torch.testing.assert_close(upsample(maps, 5 * factor, 4 * factor), padded[:, :, inside, inside])
    half = upsample(maps.bfloat16(), 5 * factor, 4 * factor)
    assert half.dtype == torch.bfloat16


def test_output_shapes(config: HPTRConfig) -> None:
    output = network(config)(torch.randn(2, 3, 64, 96))
    for task in TASKS:
        assert output.semantic[task].shape == (2, num_classes(task), 16, 24)
    assert output.mask_logits.shape == (2, config.num_queries, 16, 24)
    assert output.class_logits[-1].shape == (2, config.num_queries, 2)
    assert output.boxes_cxcywh[-1].shape == (2, config.num_queries, 4)
    assert output.boxes_cxcywh[-1].min() >= 0
    assert output.boxes_cxcywh[-1].max() <= 1


def test_a_batch_of_different_shapes_gives_what_single_images_give(config: HPTRConfig) -> None:
    model = network(config)
    images = [photograph(90, 60, seed=1), photograph(60, 96, seed=2), photograph(96, 96, seed=3)]
    batch = pad(images, 96)
    assert batch.padding_mask is not None
    with torch.inference_mode():
        together = model(batch.images, batch.padding_mask)
        for index, image in enumerate(images):
            single = pad([image], 96)
            alone = model(single.images, single.padding_mask)
            height, width = (side // 4 for side in single.shapes[0])
            for task in TASKS:
                torch.testing.assert_close(
                    together.semantic[task][index, :, :height, :width],
                    alone.semantic[task][0, :, :height, :width],
                    atol=2e-4,
                    rtol=2e-4,
                )
            torch.testing.assert_close(
                together.mask_logits[index, :, :height, :width],
                alone.mask_logits[0, :, :height, :width],
                atol=2e-3,
                rtol=2e-3,
            )
            torch.testing.assert_close(
                together.boxes_cxcywh[-1][index], alone.boxes_cxcywh[-1][0], atol=1e-4, rtol=1e-4
            )


@pytest.mark.parametrize("name", sorted(CONFIGS))
@pytest.mark.parametrize(("half", "tolerance"), [(False, 1e-4), (True, 0.03)])
def test_padding_changes_no_probability_of_any_configuration(name: str, half: bool, tolerance: float) -> None:
    model = network(shrunk(name))
    images = [photograph(128, 80, seed=1), photograph(64, 128, seed=2)]
    batch = pad(images, 128)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=half):
        together = model(batch.images, batch.padding_mask)
        for index, image in enumerate(images):
            single = pad([image], 128)
            alone = model(single.images, single.padding_mask)
            height, width = (side // 4 for side in single.shapes[0])
            for task in TASKS:
                a = together.semantic[task][index, :, :height, :width].float().softmax(0)
                b = alone.semantic[task][0, :, :height, :width].float().softmax(0)
                torch.testing.assert_close(a, b, atol=tolerance, rtol=0)
            a = together.mask_logits[index, :, :height, :width].float().sigmoid()
            b = alone.mask_logits[0, :, :height, :width].float().sigmoid()
            torch.testing.assert_close(a, b, atol=tolerance, rtol=0)
            a, b = together.class_logits[-1][index].float().softmax(-1), alone.class_logits[-1][0].float().softmax(-1)
            torch.testing.assert_close(a, b, atol=tolerance, rtol=0)


def test_however_strong_the_features_nobody_looks_at_padding(config: HPTRConfig) -> None:
    transformer = network(config).transformer
    features = torch.randn(1, config.transformer_width, 1, 3) * 10_000  # of two cells, some attract none of the others
    features[..., 2:] = 0
    valid = torch.tensor([[[True, True, False]]])
    with torch.inference_mode():
        together, alone = transformer(features, valid), transformer(features[..., :2], valid[..., :2])
    torch.testing.assert_close(together[0][..., :2], alone[0], atol=1e-2, rtol=1e-4)
    torch.testing.assert_close(together[2][-1], alone[2][-1], atol=1e-4, rtol=1e-4)


def test_masks_by_convolutions_learn_everywhere() -> None:
    model = HPTR(replace(tiny_config(), mask_head="convolutions")).train()
    model(torch.randn(2, 3, 64, 64)).mask_logits.sum().backward()
    assert all(p.grad is not None for name, p in model.human.named_parameters() if not name.startswith("classify"))


def test_with_its_norms_folded_it_says_the_same(config: HPTRConfig) -> None:
    model = network(config)
    folded = fused(model)
    batch = pad([photograph(90, 60, seed=1), photograph(60, 96, seed=2)], 96)
    with torch.inference_mode():
        a, b = (net(batch.images, batch.padding_mask) for net in (model, folded))
    for task in TASKS:
        torch.testing.assert_close(a.semantic[task], b.semantic[task], atol=2e-4, rtol=2e-4)
    torch.testing.assert_close(a.mask_logits, b.mask_logits, atol=2e-3, rtol=2e-3)
    torch.testing.assert_close(a.features, b.features, atol=2e-4, rtol=2e-4)
    semantic = [module for module in folded.semantic.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    encoder = [module for module in folded.encoder.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert (semantic, encoder) == ([], [])


def test_training_runs_all_groups_and_inference_the_first() -> None:
    model = network(replace(tiny_config(), anchored=True, groups=3))
    images = torch.randn(2, 3, 64, 64)
    assert model.train()(images).mask_logits.shape[1] == 3 * model.config.num_queries
    assert model.eval()(images).mask_logits.shape[1] == model.config.num_queries


def test_groups_of_queries_do_not_see_each_other() -> None:
    model = network(replace(tiny_config(), anchored=True, groups=2))
    transformer, queries = model.transformer, model.config.num_queries
    features, valid = torch.randn(1, 32, 4, 4), torch.ones(1, 4, 4, dtype=torch.bool)
    before = transformer.train()(features, valid)[1][-1][:, :queries]
    with torch.no_grad():
        transformer.query_embed.weight[queries:] += 1.0
    after = transformer(features, valid)[1][-1]
    torch.testing.assert_close(after[:, :queries], before)
    assert not torch.allclose(after[:, queries:], before)


def test_the_encoder_takes_torchvision_names() -> None:
    encoder = HPTR(CONFIGS["hptr-r50"]).encoder
    names = set(encoder.state_dict())
    for name, shape in {
        "conv1.weight": (64, 3, 7, 7),
        "layer1.0.downsample.0.weight": (256, 64, 1, 1),
        "layer3.5.conv2.weight": (256, 256, 3, 3),
        "layer4.2.bn3.running_var": (2048,),
    }.items():
        assert name in names
        assert tuple(encoder.state_dict()[name].shape) == shape


def test_a_named_center_is_as_far_from_a_box_as_its_sizes_say() -> None:
    boxes = torch.tensor([[[0.5, 0.5, 0.2, 0.4], [0.1, 0.5, 0.2, 0.4]]])
    centers = torch.tensor([0.5, 0.7]).reshape(1, 2, 1, 1)
    distance = away(boxes, centers).flatten()
    torch.testing.assert_close(distance, torch.tensor([0.25, 2.0]), atol=1e-4, rtol=0)  # never more than 2


def test_a_pixel_that_names_a_center_elsewhere_leaves_a_querys_mask() -> None:
    model = network(replace(tiny_config(), anchored=True))
    images = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        before = model(images).mask_logits
        model.human.center.bias += 5.0
        output = model(images)
    assert output.centers is not None
    assert output.centers.min() > 1
    assert bool((output.mask_logits <= before).all())
    assert float((output.mask_logits - before).min()) < -1


def test_cell_centers_are_fractions_of_the_picture_without_padding() -> None:
    valid = torch.zeros(1, 2, 4, dtype=torch.bool)
    valid[:, :, :2] = True
    centers = cell_centers(valid)[0].reshape(2, 4, 2)
    torch.testing.assert_close(centers[0, :2], torch.tensor([[0.25, 0.25], [0.75, 0.25]]))
    torch.testing.assert_close(centers[1, 1], torch.tensor([0.75, 0.75]))
