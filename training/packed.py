"""Layers in memory at a tenth of their size, so that a data set of 30,000 photographs fits."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import overload

import numpy as np
from PIL import Image

from training.canvas import Layer

QUALITY = 95  # of JPEG, colors at full resolution
FAST = 1  # of zlib's levels


@dataclass(frozen=True)
class PackedLayer:
    """A layer's image as JPEG and its maps compressed without loss."""

    image: bytes
    maps: Mapping[str, bytes]
    height: int
    width: int

    @classmethod
    def of(cls, layer: Layer) -> "PackedLayer":
        """A layer, packed."""
        buffer = BytesIO()
        Image.fromarray(np.ascontiguousarray(layer.image)).save(buffer, "JPEG", quality=QUALITY, subsampling=0)
        maps = {name: zlib.compress(m.tobytes(), FAST) for name, m in layer.maps.items()}
        return cls(buffer.getvalue(), maps, layer.height, layer.width)

    def unpack(self) -> Layer:
        """The layer, which must not be written to."""
        shape = self.height, self.width
        maps = {name: np.frombuffer(zlib.decompress(m), np.uint8).reshape(shape) for name, m in self.maps.items()}
        return Layer(np.asarray(Image.open(BytesIO(self.image))), maps)


class PackedLayers(Sequence[Layer]):
    """A list of layers that holds them packed."""

    def __init__(self, layers: Iterable[Layer]) -> None:
        self.packed = [PackedLayer.of(layer) for layer in layers]

    def __len__(self) -> int:
        return len(self.packed)

    @overload
    def __getitem__(self, index: int) -> Layer: ...

    @overload
    def __getitem__(self, index: slice) -> list[Layer]: ...

    def __getitem__(self, index: int | slice) -> Layer | list[Layer]:
        if isinstance(index, slice):
            return [packed.unpack() for packed in self.packed[index]]
        return self.packed[index].unpack()

    def extend(self, layers: Iterable[Layer]) -> None:
        """Add layers at the end."""
        self.packed.extend(PackedLayer.of(layer) for layer in layers)
