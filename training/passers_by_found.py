"""Are the passers-by of street photographs found, and what they wear? By boxes, where readers marked everybody.

    python -m training.passers_by_found --checkpoint FILE --data CCP [--split validation|calibration]

`training.evaluate` cannot tell: CCP annotates one person of each photograph.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from parsing.boxes import area, box_iou, common_area
from parsing.checkpoint import CheckpointError
from parsing.labels import CHARACTERISTICS
from parsing.memory import keep_freed_memory
from parsing.parser import HumanParser
from parsing.records import Person
from training.ccp import CCPDataset, Item, split_of
from training.item_accuracy import Answer, accuracy, answers
from training.passers_by import FIRST, PassersBy, read_passers_by, read_passers_by_items
from training.people_found import MATCH_IOU, TALL
from training.samples import read_rgb

AT_ONCE = 8  # photographs


@dataclass(frozen=True)
class Sighting:
    """Of a photograph: heights, in pixels, of the passers-by found and missed, and of people seen who are not there.

    `answers` say what was said of each labelled item, nothing where its wearer was not found.
    """

    found: Sequence[float]
    missed: Sequence[float]
    false: Sequence[float]
    answers: Sequence[Answer] = ()


def pairs(people: Sequence[Sequence[float]], boxes: Sequence[Sequence[float]]) -> dict[int, int]:
    """Predicted person -> passer-by, by number: of people, best score first, each the nearest box that is left.

    A box of IoU over 0.5 is a find.
    """
    found: dict[int, int] = {}
    for person, box in enumerate(people):
        left = [number for number in range(len(boxes)) if number not in found.values()]
        nearest = max(left, key=lambda number: box_iou(boxes[number], box), default=None)
        if nearest is not None and box_iou(boxes[nearest], box) > MATCH_IOU:
            found[person] = nearest
    return found


def compare(people: Sequence[Sequence[float]], others: PassersBy) -> Sighting:
    """Predicted people, best score first, against a photograph's passers-by.

    The largest of the rest is taken for the main person, who is large and alone in nearly all photographs; what lies
    mostly where it is not known who is there proves nothing.
    """
    boxes = others.all_boxes()
    found = pairs(people, boxes)
    missed = [box for number, box in enumerate(boxes) if number not in found.values()]
    rest = sorted((box for person, box in enumerate(people) if person not in found), key=area)
    false = [box for box in rest[:-1] if not any(common_area(box, place) > 0.5 * area(box) for place in others.unknown)]
    return Sighting(heights([boxes[number] for number in found.values()]), heights(missed), heights(false))


def items_seen(
    people: Sequence[Person], others: PassersBy, worn: Mapping[int, Sequence[Item]], photo: str
) -> Iterator[Answer]:
    """What is said of each labelled item by the person who was found for its wearer."""
    found = pairs([person.box_xyxy for person in people], others.all_boxes())
    finders = {FIRST + number: people[person] for person, number in found.items()}
    for number, items in worn.items():
        yield from answers(f"{photo}_{number}", finders.get(number), items)


def heights(boxes: Sequence[Sequence[float]]) -> list[float]:
    """Of boxes, pixels."""
    return [box[3] - box[1] for box in boxes]


def look(parser: HumanParser, root: Path, known: Mapping[str, PassersBy]) -> Iterator[Sighting]:
    """What a parser sees in photographs of a CCP folder."""
    numbers, worn = sorted(known), read_passers_by_items()
    for start in tqdm(range(0, len(numbers), AT_ONCE), desc="looking", mininterval=5):
        chosen = numbers[start : start + AT_ONCE]
        paths = [root / "photos" / f"{number}.jpg" for number in chosen]
        parsed = parser.parse([read_rgb(path) for path in paths], paths)
        for number, image in zip(chosen, parsed, strict=True):
            sighting = compare([person.box_xyxy for person in image.people], known[number])
            yield replace(sighting, answers=[*items_seen(image.people, known[number], worn.get(number, {}), number)])


def figures(sightings: Sequence[Sighting]) -> dict[str, float | None]:
    """Counts and recall, of people at least `TALL` pixels tall and of smaller ones; None where there are none."""
    result: dict[str, float | None] = {"photographs": len(sightings)}
    found = [height for sighting in sightings for height in sighting.found]
    missed = [height for sighting in sightings for height in sighting.missed]
    false = [height for sighting in sightings for height in sighting.false]
    for name, least, most in (("tall", TALL, float("inf")), ("small", 0, TALL)):
        hits, misses, errors = (sum(least <= height < most for height in kind) for kind in (found, missed, false))
        result |= {f"{name}_people": hits + misses, f"{name}_found": hits, f"{name}_false": errors}
        result[f"{name}_recall"] = hits / (hits + misses) if hits + misses else None
    return result


def item_figures(sightings: Sequence[Sighting]) -> dict[str, dict[str, float]]:
    """Per task the labelled items, and the shares that were found and right; an item not found is not right."""
    given = [answer for sighting in sightings for answer in sighting.answers]
    tasks = {task: accuracy(given, task) for task in CHARACTERISTICS}
    return {
        task: {"items": one.count, "found": one.found, "top1": one.top1} for task, one in tasks.items() if one.count
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.passers_by_found", description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True, metavar="FILE", help="the checkpoint to measure")
    parser.add_argument("--data", type=Path, required=True, metavar="CCP", help="the folder of Clothing Co-Parsing")
    parser.add_argument("--split", choices=("validation", "calibration"), default="validation")
    options = parser.parse_args(arguments)
    keep_freed_memory()
    try:
        root = CCPDataset(options.data).root
        known = {number: who for number, who in read_passers_by().items() if split_of(int(number)) == options.split}
        sightings = list(look(HumanParser.load(options.checkpoint), root, known))
        print(json.dumps(figures(sightings) | item_figures(sightings)))
    except (CheckpointError, OSError, ValueError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
