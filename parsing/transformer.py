"""DETR's transformer, with queries that know where they look.

DETR (Carion et al., ECCV 2020) learns slowly where each query looks. With `anchored` queries each query carries a
box that every decoder layer refines (DAB-DETR, ICLR 2022) and that draws a soft window over the cells it attends to
(SMCA, ICCV 2021). Without it this is DETR's own transformer, as in the paper.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


def sine_embedding(positions: Tensor, channels: int) -> Tensor:
    """Sines and cosines of `positions` (..., K), fractions of the picture, as (..., K * channels)."""
    half = torch.arange(channels // 2, dtype=torch.float32, device=positions.device)
    frequencies = 2 * math.pi / 10000 ** (2 * half / channels)
    angles = positions[..., None].float() * frequencies * 10
    return torch.cat([angles.sin(), angles.cos()], -1).flatten(-2)


def cell_centers(valid: Tensor) -> Tensor:
    """Centers x, y of feature cells as fractions of each picture, (B, h*w, 2), from `valid` (B, h, w) bool."""
    rows, columns = valid[:, :, 0].sum(1), valid[:, 0, :].sum(1)
    height, width = valid.shape[-2:]
    y = (torch.arange(height, device=valid.device) + 0.5)[None, :, None] / rows[:, None, None]
    x = (torch.arange(width, device=valid.device) + 0.5)[None, None, :] / columns[:, None, None]
    shape = valid.shape
    return torch.stack([x.expand(shape), y.expand(shape)], -1).flatten(1, 2)


class Attention(nn.Module):
    """Multi-head attention with an additive bias."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.output = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
        """(B, Q, C) from query (B, Q, C), key and value (B, K, C), bias broadcastable to (B, heads, Q, K)."""
        q, k, v = (
            layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, x in ((self.query, query), (self.key, key), (self.value, value))
        )
        attended: Tensor = self.output(attend(q, k, v, bias).transpose(1, 2).flatten(2))
        return attended


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
    """Values (B, heads, Q, C) by scaled dot products of query (B, heads, Q, C) and key (B, heads, K, C), plus bias.

    In bfloat16 on a CPU step by step: PyTorch's fused form takes twice as long there, two and a half with its gradient.
    """
    if query.dtype != torch.bfloat16 or query.device.type != "cpu":
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    mixed: Tensor = (scores if bias is None else scores + bias).softmax(-1) @ value
    return mixed


def feed_forward(width: int, hidden: int) -> nn.Sequential:
    """The two-layer network of a transformer layer."""
    return nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))


class EncoderLayer(nn.Module):
    """Self-attention over feature cells (post-norm, as DETR)."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.attention, self.feed = Attention(width, heads), feed_forward(width, hidden)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, tokens: Tensor, positions: Tensor, bias: Tensor | None) -> Tensor:
        """(B, K, C) to (B, K, C)."""
        placed = tokens + positions
        tokens = self.norm1(tokens + self.attention(placed, placed, tokens, bias))
        normed: Tensor = self.norm2(tokens + self.feed(tokens))
        return normed


class DecoderLayer(nn.Module):
    """Self-attention among queries, then attention to the feature cells."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.among, self.look, self.feed = Attention(width, heads), Attention(width, heads), feed_forward(width, hidden)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(
        self,
        queries: Tensor,
        query_positions: Tensor,
        memory: Tensor,
        positions: Tensor,
        group_bias: Tensor | None,
        window: Tensor | None,
    ) -> Tensor:
        """(B, Q, C) to (B, Q, C)."""
        placed = queries + query_positions
        queries = self.norm1(queries + self.among(placed, placed, queries, group_bias))
        looked = self.look(queries + query_positions, memory + positions, memory, window)
        queries = self.norm2(queries + looked)
        normed: Tensor = self.norm3(queries + self.feed(queries))
        return normed


class Transformer(nn.Module):
    """Encoder and decoder; returns what every decoder layer says, for auxiliary losses.

    Args:
        width, heads, hidden: channels, attention heads and feed-forward channels.
        encoder_layers, decoder_layers: depth.
        num_queries: queries of one group; training may run `groups` of them side by side (Group DETR, ICCV 2023),
            which do not see each other; inference runs the first.
        anchored: see the module.
    """

    def __init__(
        self,
        *,
        width: int,
        heads: int,
        hidden: int,
        encoder_layers: int,
        decoder_layers: int,
        num_queries: int,
        groups: int,
        anchored: bool,
    ) -> None:
        super().__init__()
        self.width, self.heads, self.num_queries, self.anchored = width, heads, num_queries, anchored
        self.encoder = nn.ModuleList(EncoderLayer(width, heads, hidden) for _ in range(encoder_layers))
        self.decoder = nn.ModuleList(DecoderLayer(width, heads, hidden) for _ in range(decoder_layers))
        self.query_embed = nn.Embedding(num_queries * groups, width)
        self.box_head = nn.Sequential(feed_forward(width, width), nn.ReLU(), nn.Linear(width, 4))
        if anchored:
            self.anchors = nn.Parameter(initial_anchors(num_queries * groups))
            self.anchor_position = nn.Sequential(nn.Linear(4 * (width // 2), width), nn.ReLU(), nn.Linear(width, width))
            self.window = nn.Linear(width, heads)  # how sharply each head keeps to the query's box
            nn.init.zeros_(self.box_head[-1].weight)  # type: ignore[arg-type]
            nn.init.zeros_(self.box_head[-1].bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor, valid: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Encoded features, and per decoder layer the queries and their boxes.

        Args:
            features: (B, C, h, w).
            valid: (B, h, w) bool, False on padding.

        Returns:
            memory (B, C, h, w); L tensors of queries (B, Q, C); L tensors of boxes (B, Q, 4), cx cy w h as fractions.
        """
        centers = cell_centers(valid)  # (B, K, 2)
        positions = sine_embedding(centers, self.width // 2)  # (B, K, C)
        tokens = features.flatten(2).transpose(1, 2)  # (B, K, C)
        bias = None
        if not valid.all():
            bias = torch.where(valid.flatten(1), 0.0, -torch.inf)[:, None, None].to(tokens.dtype)
        for layer in self.encoder:
            tokens = layer(tokens, positions, bias)
        tokens = tokens * valid.flatten(1)[..., None].to(tokens.dtype)
        queries, boxes = self.decode(tokens, positions, centers, bias)
        return tokens.transpose(1, 2).reshape(features.shape), queries, boxes

    def decode(
        self, memory: Tensor, positions: Tensor, centers: Tensor, bias: Tensor | None
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Queries and boxes of every decoder layer."""
        count = self.query_embed.num_embeddings if self.training else self.num_queries
        embed = self.query_embed.weight[:count].expand(memory.shape[0], -1, -1)  # (B, Q, C)
        group_bias = self.between_groups(count, memory)
        reference = self.anchors[:count].expand(memory.shape[0], -1, -1) if self.anchored else None
        queries, content = ([], embed if self.anchored else torch.zeros_like(embed))
        boxes: list[Tensor] = []
        for layer in self.decoder:
            place, window = embed, bias
            if reference is not None:
                place = self.anchor_position(sine_embedding(reference.sigmoid(), self.width // 2))
                window = self.soft_window(content, reference.sigmoid(), centers)
                window = window if bias is None else window + bias
            content = layer(content, place, memory, positions, group_bias, window)
            offset = self.box_head(content).float()
            raw = offset if reference is None else reference + offset
            boxes.append(raw.sigmoid())
            queries.append(content)
            reference = None if reference is None else raw.detach()
        return queries, boxes

    def soft_window(self, content: Tensor, boxes: Tensor, centers: Tensor) -> Tensor:
        """Bias (B, heads, Q, K) that falls off with the distance from the box, measured in box sizes."""
        offset = (centers[:, None] - boxes[:, :, None, :2]) / boxes[:, :, None, 2:].clamp(min=0.05)
        distance = offset.square().sum(-1)  # (B, Q, K)
        sharpness = functional.softplus(self.window(content).float() + 1.0).transpose(1, 2)  # (B, heads, Q)
        return (-sharpness[..., None] * distance[:, None]).clamp(min=-50).to(content.dtype)

    def between_groups(self, count: int, like: Tensor) -> Tensor | None:
        """Bias (1, 1, Q, Q) that hides the groups of queries from each other; None for a single group."""
        if count == self.num_queries:
            return None
        group = torch.arange(count, device=like.device) // self.num_queries
        return torch.where(group[:, None] == group, 0.0, -torch.inf)[None, None].to(like.dtype)


def initial_anchors(count: int) -> Tensor:
    """Logits (count, 4) of boxes spread over the picture, half its height and a quarter of its width."""
    boxes = torch.tensor([0.5, 0.5, 0.25, 0.5]).repeat(count, 1)
    engine = torch.quasirandom.SobolEngine(2, scramble=True, seed=0)  # type: ignore[no-untyped-call]
    boxes[:, :2] = engine.draw(count) * 0.9 + 0.05
    return boxes.logit()
