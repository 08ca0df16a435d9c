"""Training batches: composites turned into tensors, the same for the same seed and index."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import find_objects
from torch import Tensor
from torch.utils.data import Dataset
from tqdm import tqdm

from parsing.boxes import box_of
from parsing.labels import IGNORE, TASKS, num_classes
from parsing.preprocess import STRIDE, normalize
from training.canvas import MAYBE_PEOPLE, NO_OUTLINE, Layer
from training.ccp import CCPDataset
from training.coco_people import COCOPeopleDataset
from training.composite import Composer, CompositeConfig, Source, cut_out, in_memory, shares
from training.layouts import open_dataset
from training.matcher import Targets
from training.packed import PackedLayers
from training.passers_by import everyone, read_passers_by, read_passers_by_items
from training.samples import Sample, people_in
from training.self_labels import Teacher
from training.synthetic import render
from training.synthetic_sampling import sample_scene

RENDERED_HEIGHT, RENDERED_WIDTH = 320, 256
STRANGER_HEIGHT, STRANGER_AREA = 90, 2_500  # least pixels of a person who is cut out of a group
COMPANY_HEIGHT = 0.08  # least height, as a share of the photograph's, of a passer-by who makes it a group's
MOST_COUNTED = 6  # a group of more people is shown no more often
SHAPES = ((1.0, 1.0), (1.14, 0.86), (1.14, 0.86), (0.86, 1.14))  # height and width of canvases, relative


@dataclass(frozen=True)
class Batch:
    """images (B, 3, H, W); labels per task and person ids `human` (B, H / 4, W / 4) int64; targets per image."""

    images: Tensor
    labels: dict[str, Tensor]
    human: Tensor
    targets: list[Targets]

    def to(self, device: torch.device) -> "Batch":
        """The batch on a device."""
        labels = {task: label_map.to(device) for task, label_map in self.labels.items()}
        return Batch(self.images.to(device), labels, self.human.to(device), [t.to(device) for t in self.targets])


def canvas_shape(side: int, rng: np.random.Generator) -> tuple[int, int]:
    """Height and width, multiples of 32, around `side`."""
    height, width = SHAPES[rng.integers(len(SHAPES))]
    return max(32, round(side * height / 32) * 32), max(32, round(side * width / 32) * 32)


class CompositeBatches(Dataset[Batch]):
    """Batch number -> a process's share of that batch, reproducible by seed and number.

    Args:
        batch: pictures of each process.
        side: typical height and width of the pictures, pixels; `final_side` from batch `final_from` on.
        first: number of the first batch (resuming goes on where training stopped).
        process: number of the process, whose pictures are those from `process * batch` on.
    """

    def __init__(
        self,
        composer: Composer,
        *,
        batch: int,
        side: int,
        final_side: int,
        final_from: int,
        seed: int,
        first: int,
        last: int,
        process: int = 0,
    ) -> None:
        self.composer, self.batch, self.side, self.seed = composer, batch, side, seed
        self.final_side, self.final_from = final_side, final_from
        self.first, self.last, self.process = first, last, process

    def __len__(self) -> int:
        return self.last - self.first

    def __getitem__(self, index: int) -> Batch:
        key = (self.seed, self.first + index)
        side = self.side if key[1] < self.final_from else self.final_side
        height, width = canvas_shape(side, np.random.default_rng(key))
        numbers = range(self.process * self.batch, (self.process + 1) * self.batch)
        return collate(
            [self.composer.compose(np.random.default_rng((*key, number)), height, width) for number in numbers]
        )


def collate(layers: Sequence[Layer]) -> Batch:
    """Pictures of one shape as a batch."""
    images = torch.from_numpy(np.stack([normalize(layer.image) for layer in layers]))
    human, *labels = (
        torch.from_numpy(np.stack([subsample(layer.maps[name]) for layer in layers]).astype(np.int64))
        for name in ("human", *TASKS)
    )
    targets = [person_targets(layer.maps["human"], layer.maps["unsure"]) for layer in layers]
    return Batch(images, dict(zip(TASKS, labels, strict=True)), human, targets)


def subsample(label_map: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A map at the network's resolution: the label near the middle of each cell."""
    return label_map[STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE]


def person_targets(human: NDArray[np.uint8], unsure: NDArray[np.uint8]) -> Targets:
    """Boxes and masks of the people in an instance map (H, W), 255 not known; `unsure` (H, W) as in `Layer`."""
    height, width = human.shape
    small, small_unsure = subsample(human), subsample(unsure)
    known = small_unsure != NO_OUTLINE
    boxes, masks, outlined = [], [], []
    for number in people_in(human):
        mask = small == number
        if not mask.any():
            continue
        x0, y0, x1, y1 = box_of(human == number)
        boxes.append(((x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height))
        masks.append(mask & known)
        outlined.append(bool(known[mask].all()))
    return Targets(
        torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        torch.from_numpy(np.array(masks, np.float32).reshape(-1, *small.shape)),
        torch.from_numpy(((small != IGNORE) & known).astype(np.float32)),
        torch.from_numpy(small_unsure == MAYBE_PEOPLE),
        torch.tensor(outlined, dtype=torch.bool),
    )


def rarity(layers: Iterable[Layer]) -> NDArray[np.float64]:
    """Weight of each picture: how rare its rarest labels are, between 1 and 6."""
    presence = np.stack([label_presence(layer) for layer in layers])  # (S, labels)
    frequency = presence.mean(0).clip(1e-3, 1)
    weights: NDArray[np.float64] = np.sqrt(0.2 / np.where(presence > 0, frequency, 1.0).min(1)).clip(1.0, 6.0)
    return weights


def label_presence(layer: Layer) -> NDArray[np.float64]:
    """Which labels of every task occur in a picture, concatenated."""
    counts = [label_counts(layer, task)[1:] for task in TASKS]
    return (np.concatenate(counts) > 0).astype(float)


def label_counts(layer: Layer, task: str) -> NDArray[np.int64]:
    """Pixels of each label of a task, background first, at the network's resolution."""
    counts = np.bincount(subsample(layer.maps[task]).ravel(), minlength=IGNORE + 1)
    return counts[: num_classes(task)]


def class_weights(people: Sequence[Source]) -> dict[str, Tensor]:
    """Weights of the focal loss per task: frequency to the power -0.3, between 0.5 and 4, 1 for the median class."""
    counts = {task: np.zeros(num_classes(task)) for task in TASKS}
    for source in people:
        layer = source.layer  # unpacked once for all tasks
        for task in TASKS:
            counts[task] += label_counts(layer, task)
    relative = {task: (c.clip(1) / np.median(c.clip(1))) ** -0.3 for task, c in counts.items()}
    return {task: torch.tensor(r.clip(0.5, 4.0), dtype=torch.float32) for task, r in relative.items()}


def read_sources(roots: Sequence[Path], teacher: Teacher | None) -> tuple[list[Source], list[Source], PackedLayers]:
    """The training splits of all data folders: people, groups, scenes; a teacher labels what has no pixel labels.

    Raises:
        FileNotFoundError: a folder is of no known layout.
        ValueError: something in it cannot be read, or nobody in them has labelled clothes.
    """
    people, groups, scenes = PackedLayers([]), list[Source](), PackedLayers([])
    for data in map(open_dataset, roots):
        company = list[Source]()
        if isinstance(data, CCPDataset):
            for sample in tqdm(ccp_people(data, teacher), desc=f"reading {data.root.name}", mininterval=5):
                people.extend([in_memory(sample)])
                company += [group_source(Layer.of(sample))] if in_company(sample) else []
        elif isinstance(data, COCOPeopleDataset):
            samples = data.samples("train")
            if teacher is not None:
                samples = teacher.groups((sample, data.items(sample.name)) for sample in samples)
            company += [group_source(Layer.of(sample)) for sample in samples]
            scenes.extend(Layer.of(sample) for sample in data.scenes("train"))
        else:
            for sample in tqdm(data.samples("train"), desc=f"reading {data.root.name}", mininterval=5):
                layer = in_memory(sample)
                people.extend(portraits(layer))
                company += [group_source(layer)] if sample.everyone else []
        groups += evened(company)
    if not people:
        raise ValueError(
            f"expected people with labelled clothes to train on, found none in {', '.join(map(str, roots))}; name a "
            "CCP, CIHP or CCIHP folder with --data too"
        )
    return [Source(*pair) for pair in zip(people.packed, rarity(people), strict=True)], groups, scenes


def group_source(layer: Layer) -> Source:
    """A photograph of a group, wanted as often as it shows people, up to `MOST_COUNTED`."""
    people = np.bincount(layer.maps["human"].ravel(), minlength=IGNORE + 1)[1:IGNORE]
    return Source.of(layer, float(np.clip(np.count_nonzero(people), 1, MOST_COUNTED)))


def evened(sources: Sequence[Source]) -> list[Source]:
    """The groups of one data set, together wanted as often as those of any other: a small set is not crowded out."""
    return [replace(source, weight=share) for source, share in zip(sources, shares(sources).tolist(), strict=True)]


def portraits(layer: Layer) -> Iterator[Layer]:
    """For each person of a labelled group who is large enough, what is around them, with that person as number 1."""
    human = layer.maps["human"]
    for number in people_in(human).tolist():
        left, top, right, bottom = box_of(human == number)
        if bottom - top >= STRANGER_HEIGHT and np.count_nonzero(human == number) >= STRANGER_AREA:
            margin = (bottom - top) // 8
            top, left = max(top - margin, 0), max(left - margin, 0)
            bottom, right = min(bottom + margin, layer.height), min(right + margin, layer.width)
            cut = layer.crop(top, left, bottom - top, right - left)
            renumbered = np.arange(IGNORE + 1, dtype=np.uint8)
            renumbered[[1, number]] = number, 1
            yield Layer(cut.image, {**cut.maps, "human": renumbered[cut.maps["human"]]})


def ccp_people(ccp: CCPDataset, teacher: Teacher | None) -> Iterator[Sample]:
    """CCP's photographs to train on, with the passers-by that are labelled; with a teacher the tagged ones too.

    A teacher also dresses the passers-by whose items are known, and finds those whom nobody labelled; they are ignored.
    """
    known = read_passers_by()
    photographs = (everyone(sample, known) for sample in ccp.samples("train"))
    if teacher is None:
        return photographs
    tagged = (everyone(sample, known) for sample in teacher.tagged(ccp.tagged("train")))
    worn = read_passers_by_items()
    return teacher.groups(
        (sample, worn.get(sample.name, {})) for sample in chain(teacher.passers_by(photographs), tagged)
    )


def in_company(sample: Sample) -> bool:
    """Whether all people of a photograph are labelled, and somebody besides the first is large enough to learn from."""
    if not sample.everyone:
        return False
    numbers = np.where(sample.human == IGNORE, 0, sample.human)
    rows = [box[0] for box in find_objects(numbers)[1:] if box is not None]
    return any(row.stop - row.start >= COMPANY_HEIGHT * len(numbers) for row in rows)


def render_layers(count: int, scenes: Sequence[Layer], seed: int) -> Iterator[Layer]:
    """Rendered scenes rich in rare labels, half of them before photographs without people."""
    rng = np.random.default_rng(seed)
    for number in tqdm(range(count), desc="rendering", mininterval=5, disable=count == 0):
        spec = sample_scene(
            rng, height=RENDERED_HEIGHT, width=RENDERED_WIDTH, num_people=1 + rng.poisson(0.8), rare=0.7
        )
        photograph = None
        if scenes and number % 2:
            photograph = scenes[int(rng.integers(len(scenes)))].resize(spec.height, spec.width).image
        scene = render(spec, backdrop=photograph)
        tasks = {task: getattr(scene, task) for task in TASKS}
        yield Layer(scene.image, {"human": scene.human, "unsure": np.zeros_like(scene.human), **tasks})


def make_composer(
    roots: Sequence[Path], config: CompositeConfig, *, rendered: int, seed: int, teacher: Teacher | None = None
) -> tuple[Composer, Mapping[str, Tensor]]:
    """A composer over data folders and `rendered` scenes, and the class weights of the photographed people."""
    people, groups, scenes = read_sources(roots, teacher)
    drawn = PackedLayers(render_layers(rendered, scenes, seed))
    strangers = PackedLayers(cut_strangers(source.layer for source in groups))
    return Composer(people, groups, scenes, drawn, config, strangers), class_weights(people)


def cut_strangers(groups: Iterable[Layer]) -> Iterator[Layer]:
    """Cut-outs of the people of group photographs that have an outline and are large enough to be pasted elsewhere."""
    for layer in groups:
        numbers = np.unique(layer.maps["human"][layer.maps["unsure"] != NO_OUTLINE])
        people = (cut_out(layer, int(number)) for number in numbers if 0 < number < IGNORE)
        yield from (
            person
            for person in people
            if person.height >= STRANGER_HEIGHT and person.maps["human"].sum() >= STRANGER_AREA
        )
