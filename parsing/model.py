"""HPTR (paper section 3): one pass from an image to people and their characterized attributes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from parsing.backbone import ConvNorm, FeaturePyramid, JoinLevels, ResNet, keep_valid, upsample
from parsing.efficientnet import EfficientNetLite
from parsing.labels import TASKS, num_classes
from parsing.transformer import Transformer, cell_centers, feed_forward, sine_embedding

PLACE_CHANNELS = 16  # of a pixel's position, in the product that makes anchored masks
NARROW = ("size", "pattern")  # tasks that tell few labels apart


@dataclass(frozen=True)
class HPTRConfig:
    """Shape of the network; `CONFIGS` names those that we use.

    Args:
        block: `basic` or `bottleneck` of a ResNet, which has four stages; `inverted` of an EfficientNet-Lite, seven.
        narrow_width: `head_width` of size and pattern, which tell few labels apart; 0 for the same.
        mask_head: `product` of queries and shared pixel features, or `convolutions` of each query as in DETR.
    """

    name: str
    block: str
    blocks: tuple[int, ...]
    widths: tuple[int, ...]
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
    mask_head: str = "product"
    narrow_width: int = 0

    def width_of_head(self, task: str) -> int:
        """Channels of a task's semantic head."""
        return (task in NARROW and self.narrow_width) or self.head_width


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
            pyramid_width=128,
            head_width=64,
            transformer_width=256,
            heads=8,
            hidden=2048,
            encoder_layers=6,
            decoder_layers=6,
        ),
        HPTRConfig(
            name="hptr-compact",
            block="inverted",
            blocks=(1, 3, 3, 4, 4, 5, 1),
            widths=(16, 24, 40, 80, 112, 192, 320),
            stem="convolution",
            dilate_last=True,
            separable=False,
            pyramid_width=64,
            head_width=64,
            transformer_width=128,
            heads=4,
            hidden=256,
            encoder_layers=2,
            decoder_layers=3,
            groups=3,
            anchored=True,
            narrow_width=48,
        ),
    )
}


def make_encoder(config: HPTRConfig) -> ResNet | EfficientNetLite:
    """The encoder of a configuration."""
    if config.block == "inverted":
        return EfficientNetLite(blocks=config.blocks, widths=config.widths, dilate_last=config.dilate_last)
    return ResNet(
        block=config.block,
        blocks=config.blocks,
        widths=config.widths,
        stem=config.stem,
        dilate_last=config.dilate_last,
    )


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


class SemanticHeads(nn.ModuleDict):
    """The heads of the tasks, by name."""

    def forward(self, pyramid: Sequence[Tensor], valid: Tensor | None) -> dict[str, Tensor]:
        """Per task, logits (B, N_task, H / 4, W / 4)."""
        return {task: head(pyramid, valid) for task, head in self.items()}


class ProductHead(nn.Module):
    """People and their masks from the pyramid joined with the transformer's map, top-down (section 3.2).

    The mask of a query is the product of its embedding with pixel features that all queries share. With `anchored`
    queries those features carry their place in the picture, a mask fades outside its query's box, and every pixel
    names the center of the person it shows (Neven et al., CVPR 2019): it leaves the masks of queries that are
    elsewhere, which parts neighbours who look alike.
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
        if config.anchored:
            self.fade = nn.Parameter(torch.tensor(4.0))
            self.pull = nn.Parameter(torch.tensor(7.0))
            self.center = nn.Conv2d(pixels, 2, 1)  # from the pixel's own place, in fractions of the picture
            nn.init.zeros_(self.center.weight)
            nn.init.zeros_(self.center.bias)  # type: ignore[arg-type]

    def pixels(self, pyramid: Sequence[Tensor], memory: Tensor, valid: Tensor | None) -> Tensor:
        """What is known of every pixel, (B, C, H / 4, W / 4)."""
        x = keep_valid(self.top(memory), valid)
        for lateral, level in zip(reversed(self.lateral), reversed(pyramid), strict=True):
            x = keep_valid(lateral(level).add_(upsample(x, *level.shape[-2:])), valid)
        mixed: Tensor = self.mix(x.relu(), valid)
        return mixed

    def forward(self, seen: "Seen") -> tuple[Tensor, Tensor | None]:
        """Mask logits (B, Q, H / 4, W / 4), and with `anchored` the centers that pixels name (B, 2, H / 4, W / 4)."""
        mixed = self.pixels(seen.pyramid, seen.memory, seen.valid)
        pixels = self.project(mixed)
        kernels = self.kernel(self.embed(seen.queries).relu())  # (B, Q, C)
        if not self.anchored:
            return torch.einsum("bqc,bchw->bqhw", kernels, pixels), None
        centers = cell_centers(feature_cells(pixels, seen.padding_mask))  # (B, h*w, 2)
        places = centers.transpose(1, 2).reshape(pixels.shape[0], 2, *pixels.shape[-2:])
        waves = sine_embedding(places.movedim(1, -1), PLACE_CHANNELS // 2).movedim(-1, 1).to(pixels.dtype)
        masks = torch.einsum("bqc,bchw->bqhw", kernels, torch.cat([pixels, waves], 1))
        named = places + self.center(mixed).float()
        boxes = seen.boxes.detach()
        return masks - self.fade.abs() * outside(boxes, places) - self.pull.abs() * away(boxes, named), named


class ConvolutionHead(nn.Module):
    """People and their masks by convolutions of every query's own maps, DETR's mask head on the pyramid (section 3.2).

    The map of a query is the transformer's with the query's attention to each of its cells. On its way up it is joined
    with the pyramid. Batch norms stand for DETR's group norms, which would count padding.
    """

    def __init__(self, config: HPTRConfig, levels: int) -> None:
        super().__init__()
        width = config.transformer_width
        self.heads = config.heads
        self.classify = nn.Linear(width, 2)  # no person, person
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        widths = [width + config.heads, *(max(width >> step, 8) for step in range(1, levels + 1))]
        self.mix = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1, bias=False) for a, b in pairwise(widths))
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for channels in widths[1:])
        self.lateral = nn.ModuleList(nn.Conv2d(config.pyramid_width, channels, 1) for channels in widths[1:])
        self.logits = nn.Conv2d(widths[-1], 1, 3, padding=1)

    def attention(self, queries: Tensor, memory: Tensor, cells: Tensor) -> Tensor:
        """How much each head of each query looks at each cell, (B, Q, heads, h, w)."""
        query = self.query(queries).unflatten(-1, (self.heads, -1))  # (B, Q, heads, C / heads)
        key = self.key(memory.flatten(2).transpose(1, 2)).unflatten(-1, (self.heads, -1))  # (B, K, heads, C / heads)
        scores = torch.einsum("bqnc,bknc->bqnk", query, key).float() * query.shape[-1] ** -0.5
        looked = scores.masked_fill(~cells.flatten(1)[:, None, None], -torch.inf).flatten(2).softmax(-1)
        maps: Tensor = looked.reshape(*scores.shape[:3], *memory.shape[-2:]).to(memory.dtype)
        return maps

    def forward(self, seen: "Seen") -> tuple[Tensor, None]:
        """Mask logits (B, Q, H / 4, W / 4); it needs no centers."""
        count = seen.queries.shape[1]
        looked = self.attention(seen.queries, seen.memory, feature_cells(seen.memory, seen.padding_mask))
        x = torch.cat([seen.memory[:, None].expand(-1, count, -1, -1, -1), looked], 2).flatten(0, 1)
        valid = None if seen.valid is None else seen.valid.repeat_interleave(count, 0)
        for mix, norm, lateral, level in zip(self.mix, self.norms, self.lateral, reversed(seen.pyramid), strict=True):
            x = keep_valid(norm(mix(x)).relu(), valid)
            x = upsample(x, *level.shape[-2:]) + lateral(level).repeat_interleave(count, 0)
            x = keep_valid(x, valid)
        logits: Tensor = self.logits(x)[:, 0].unflatten(0, (-1, count))
        return logits, None


MASK_HEADS: dict[str, type[ProductHead] | type[ConvolutionHead]] = {
    "product": ProductHead,
    "convolutions": ConvolutionHead,
}


@dataclass(frozen=True)
class Seen:
    """What a mask head is given.

    Args:
        queries: (B, Q, C) of the last decoder layer.
        boxes: (B, Q, 4), cx cy w h.
        memory: (B, C, h, w), the transformer's map.
        pyramid: maps (B, C, h, w), finest first.
        valid, padding_mask: as in `HPTR.forward`, None where nothing is padded.
    """

    queries: Tensor
    boxes: Tensor
    memory: Tensor
    pyramid: Sequence[Tensor]
    valid: Tensor | None
    padding_mask: Tensor | None


def outside(boxes: Tensor, places: Tensor) -> Tensor:
    """How far each pixel lies outside each box, in box sizes and at most 4: (B, Q, H, W), 0 inside."""
    center, extent = boxes[..., :2], boxes[..., 2:].clamp(min=0.02)
    x = ((places[:, None, 0, :1] - center[..., 0, None, None]).abs() / extent[..., 0, None, None] - 0.55).relu()
    y = ((places[:, None, 1, :, :1] - center[..., 1, None, None]).abs() / extent[..., 1, None, None] - 0.55).relu()
    return (x + y).clamp(max=4.0) * 4


def away(boxes: Tensor, centers: Tensor) -> Tensor:
    """Squared distance of `centers` (B, 2, H, W) from that of each box, in box sizes and at most 2: (B, Q, H, W)."""
    center, extent = boxes[..., :2].float(), boxes[..., 2:].float().clamp(min=0.02)
    weights = torch.cat([extent**-2, -2 * center * extent**-2, ((center / extent) ** 2).sum(-1, keepdim=True)], -1)
    terms = torch.cat([centers**2, centers, torch.ones_like(centers[:, :1])], 1)
    with torch.autocast(boxes.device.type, enabled=False):  # a difference of large numbers
        return torch.einsum("bqc,bchw->bqhw", weights, terms).clamp(max=2.0)


@dataclass(frozen=True)
class HPTROutput:
    """What the network says of a batch.

    Args:
        semantic: per task, logits (B, N_task, H / 4, W / 4), background first.
        class_logits: per decoder layer (B, Q, 2): no person, person.
        boxes_cxcywh: per decoder layer (B, Q, 4), fractions of the unpadded picture.
        mask_logits: (B, Q, H / 4, W / 4), of the last layer.
        centers: (B, 2, H / 4, W / 4), x y of the box center of the person whom each pixel shows, or None.
        features: (B, C, h, w), the encoder's last map, from which appearance is pooled.
    """

    semantic: dict[str, Tensor]
    class_logits: list[Tensor]
    boxes_cxcywh: list[Tensor]
    mask_logits: Tensor
    centers: Tensor | None
    features: Tensor


class HPTR(nn.Module):
    """The network of one configuration."""

    def __init__(self, config: HPTRConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = make_encoder(config)
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
        self.human = MASK_HEADS[config.mask_head](config, len(channels))
        self.semantic: nn.Module = SemanticHeads(
            {
                task: SemanticHead(
                    len(channels), width, config.width_of_head(task), num_classes(task), separable=config.separable
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
        memory, queries, boxes = self.transformer(tokens, feature_cells(maps[-1], padding_mask))
        seen = Seen(queries[-1], boxes[-1], memory, pyramid, valid, padding_mask)
        masks, centers = self.human(seen)
        return HPTROutput(
            semantic=self.semantic(pyramid, valid),
            class_logits=[self.human.classify(layer) for layer in queries],
            boxes_cxcywh=boxes,
            mask_logits=masks,
            centers=centers,
            features=maps[-1],
        )


def feature_cells(features: Tensor, padding_mask: Tensor | None) -> Tensor:
    """(B, h, w) bool, True where a feature cell starts inside the picture."""
    batch, _, height, width = features.shape
    if padding_mask is None:
        return torch.ones(batch, height, width, dtype=torch.bool, device=features.device)
    step = padding_mask.shape[-1] // width
    return ~padding_mask[:, ::step, ::step]
