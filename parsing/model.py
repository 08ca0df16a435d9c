"""HPTR (paper section 3): one pass from an image to people and their characterized attributes."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from parsing.backbone import ConvNorm, FeaturePyramid, JoinLevels, ResNet, keep_valid, upsample
from parsing.labels import TASKS, num_classes
from parsing.transformer import Transformer, cell_centers, feed_forward, sine_embedding

PLACE_CHANNELS = 16  # of a pixel's position, in the product that makes anchored masks


@dataclass(frozen=True)
class HPTRConfig:
    """Shape of the network; `CONFIGS` names those that we use."""

    name: str
    block: str
    blocks: tuple[int, int, int, int]
    widths: tuple[int, int, int, int]
    stem: str
    dilate_last: bool
    separable: bool
    pyramid_width: int
    head_width: int
    transformer_width: int
    heads: int
    hidden: int
    encoder_layers: int
    decoder_layers: int
    num_queries: int = 40
    groups: int = 1
    anchored: bool = False


CONFIGS = {
    config.name: config
    for config in (
        HPTRConfig(
            name="hptr-r50",
            block="bottleneck",
            blocks=(3, 4, 6, 3),
            widths=(64, 128, 256, 512),
            stem="pool",
            dilate_last=False,
            separable=False,
            pyramid_width=256,
            head_width=128,
            transformer_width=256,
            heads=8,
            hidden=2048,
            encoder_layers=6,
            decoder_layers=6,
        ),
        HPTRConfig(
            name="hptr-compact",
            block="basic",
            blocks=(2, 2, 2, 2),
            widths=(64, 128, 256, 384),
            stem="convolutions",
            dilate_last=True,
            separable=False,
            pyramid_width=64,
            head_width=64,
            transformer_width=128,
            heads=4,
            hidden=256,
            encoder_layers=2,
            decoder_layers=3,
            groups=2,
            anchored=True,
        ),
    )
}


class SemanticHead(nn.Module):
    """One task's head on the concatenated pyramid: 1x1, 3x3, 1x1 convolutions (section 3.3)."""

    def __init__(self, levels: int, pyramid_width: int, width: int, classes: int, *, separable: bool) -> None:
        super().__init__()
        self.join = JoinLevels(levels, pyramid_width, width)
        self.norm = nn.BatchNorm2d(width)
        self.mix = ConvNorm(width, separable=separable)
        self.classify = nn.Conv2d(width, classes, 1)

    def forward(self, pyramid: Sequence[Tensor], valid: Tensor | None) -> Tensor:
        """Logits (B, classes, H / 4, W / 4)."""
        joined = keep_valid(self.norm(self.join(pyramid, valid)).relu(), valid)
        logits: Tensor = self.classify(self.mix(joined, valid))
        return logits


class HumanHead(nn.Module):
    """Instance masks from the pyramid joined with the transformer's map, top-down (section 3.2).

    The mask of a query is the product of its embedding with pixel features that all queries share; with `anchored`
    queries those features carry their place in the picture, and a mask fades outside its query's box.
    """

    def __init__(self, config: HPTRConfig, levels: int) -> None:
        super().__init__()
        width, pixels = config.transformer_width, config.pyramid_width
        self.anchored = config.anchored
        self.classify = nn.Linear(width, 2)  # no person, person
        self.embed = feed_forward(width, width)
        self.kernel = nn.Linear(width, pixels + (PLACE_CHANNELS if config.anchored else 0))
        self.top = nn.Conv2d(width, pixels, 1)
        self.lateral = nn.ModuleList(nn.Conv2d(pixels, pixels, 1, bias=False) for _ in range(levels))
        self.mix = ConvNorm(pixels, separable=config.separable)
        self.project = nn.Conv2d(pixels, pixels, 1)
        self.fade = nn.Parameter(torch.tensor(4.0))

    def pixels(self, pyramid: Sequence[Tensor], memory: Tensor, valid: Tensor | None) -> Tensor:
        """Pixel features (B, C, H / 4, W / 4)."""
        x = keep_valid(self.top(memory), valid)
        for lateral, level in zip(reversed(self.lateral), reversed(pyramid), strict=True):
            x = keep_valid(lateral(level) + upsample(x, level.shape[-2], level.shape[-1]), valid)
        projected: Tensor = self.project(self.mix(x.relu(), valid))
        return projected

    def forward(self, queries: Tensor, boxes: Tensor, pixels: Tensor, places: Tensor) -> Tensor:
        """Mask logits (B, Q, H / 4, W / 4).

        Args:
            queries: (B, Q, C).
            boxes: (B, Q, 4), cx cy w h.
            pixels: (B, C, H / 4, W / 4).
            places: (B, 2, H / 4, W / 4), x and y of each pixel as fractions of the picture.
        """
        kernels = self.kernel(self.embed(queries).relu())  # (B, Q, C)
        if not self.anchored:
            return torch.einsum("bqc,bchw->bqhw", kernels, pixels)
        waves = sine_embedding(places.movedim(1, -1), PLACE_CHANNELS // 2).movedim(-1, 1).to(pixels.dtype)
        masks = torch.einsum("bqc,bchw->bqhw", kernels, torch.cat([pixels, waves], 1))
        return masks - self.fade.abs() * outside(boxes.detach(), places)


def outside(boxes: Tensor, places: Tensor) -> Tensor:
    """How far each pixel lies outside each box, in box sizes and at most 4: (B, Q, H, W), 0 inside."""
    center, extent = boxes[..., :2], boxes[..., 2:].clamp(min=0.02)
    x = ((places[:, None, 0, :1] - center[..., 0, None, None]).abs() / extent[..., 0, None, None] - 0.55).relu()
    y = ((places[:, None, 1, :, :1] - center[..., 1, None, None]).abs() / extent[..., 1, None, None] - 0.55).relu()
    return (x + y).clamp(max=4.0) * 4


@dataclass(frozen=True)
class HPTROutput:
    """What the network says of a batch.

    Args:
        semantic: per task, logits (B, N_task, H / 4, W / 4), background first.
        class_logits: per decoder layer (B, Q, 2): no person, person.
        boxes_cxcywh: per decoder layer (B, Q, 4), fractions of the unpadded picture.
        mask_logits: (B, Q, H / 4, W / 4), of the last layer.
        features: (B, C, h, w), the encoder's last map, from which appearance is pooled.
    """

    semantic: dict[str, Tensor]
    class_logits: list[Tensor]
    boxes_cxcywh: list[Tensor]
    mask_logits: Tensor
    features: Tensor


class HPTR(nn.Module):
    """The network of one configuration."""

    def __init__(self, config: HPTRConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = ResNet(
            block=config.block,
            blocks=config.blocks,
            widths=config.widths,
            stem=config.stem,
            dilate_last=config.dilate_last,
        )
        channels, width = self.encoder.channels, config.pyramid_width
        self.pyramid = FeaturePyramid(channels, width, separable=config.separable)
        self.input_proj = nn.Conv2d(channels[-1], config.transformer_width, 1)
        self.transformer = Transformer(
            width=config.transformer_width,
            heads=config.heads,
            hidden=config.hidden,
            encoder_layers=config.encoder_layers,
            decoder_layers=config.decoder_layers,
            num_queries=config.num_queries,
            groups=config.groups,
            anchored=config.anchored,
        )
        self.human = HumanHead(config, len(channels))
        self.semantic = nn.ModuleDict(
            {
                task: SemanticHead(
                    len(channels), width, config.head_width, num_classes(task), separable=config.separable
                )
                for task in TASKS
            }
        )

    def forward(self, images: Tensor, padding_mask: Tensor | None = None) -> HPTROutput:
        """Predictions for a batch.

        Args:
            images: (B, 3, H, W) float, normalized, H and W multiples of 32, zeros on padding.
            padding_mask: (B, H, W) bool, True on padding, right of and below the picture; None if there is none.
        """
        valid = None if padding_mask is None else (~padding_mask)[:, None].to(images.dtype)
        maps = self.encoder(images, valid)
        pyramid = self.pyramid(maps, valid)
        tokens = keep_valid(self.input_proj(maps[-1]), valid)
        memory, queries, boxes = self.transformer(tokens, self.cells(maps[-1], padding_mask))
        pixels = self.human.pixels(pyramid, memory, valid)
        centers = cell_centers(self.cells(pixels, padding_mask))  # (B, h*w, 2)
        places = centers.transpose(1, 2).reshape(len(images), 2, *pixels.shape[-2:])
        return HPTROutput(
            semantic={task: head(pyramid, valid) for task, head in self.semantic.items()},
            class_logits=[self.human.classify(layer) for layer in queries],
            boxes_cxcywh=boxes,
            mask_logits=self.human(queries[-1], boxes[-1], pixels, places),
            features=maps[-1],
        )

    @staticmethod
    def cells(features: Tensor, padding_mask: Tensor | None) -> Tensor:
        """(B, h, w) bool, True where a feature cell starts inside the picture."""
        batch, _, height, width = features.shape
        if padding_mask is None:
            return torch.ones(batch, height, width, dtype=torch.bool, device=features.device)
        step = padding_mask.shape[-1] // width
        return ~padding_mask[:, ::step, ::step]
