"""Sample gallery: photograph-like scenes with dates and cameras, and the truth about everyone's clothes beside them.

    python -m training.sample_gallery --output DIR [--count 24] [--seed 7]

Every scene grants one wish (someone in a long red coat, a yellow skirt, ...), so that common searches find somebody.
"""

import argparse
import json
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image

from parsing.labels import CHARACTERISTICS, CHARACTERIZED, LABELS
from parsing.records import CharacterizedAttribute, Person
from training.synthetic import people_records, render
from training.synthetic_sampling import hair, make_garment, sample_scene
from training.synthetic_specs import Garment, PersonSpec, SceneSpec

LONG_SIDE = 1280
CAMERAS = ("Gate North", "Gate South", "Market Square", "Platform 2", "Riverside Walk")
FIRST_DAY = datetime(2024, 3, 4, 7, 20)
Garments = dict[str, Garment]
Wish = Callable[[np.random.Generator], Garments]


@dataclass(frozen=True)
class GalleryConfig:
    """What the gallery holds.

    Args:
        count: pictures.
        seed: the same seed gives the same gallery.
        long_side: pixels of the longer side; three of four pictures are 3:2 landscape, the others portrait.
        workers: processes that draw.
    """

    count: int = 24
    seed: int = 7
    long_side: int = LONG_SIDE
    workers: int = 1


def write_gallery(output: Path, config: GalleryConfig) -> list[Path]:
    """Draw the gallery into a folder; returns the pictures. `truth.json` beside them says who wears what."""
    output.mkdir(parents=True, exist_ok=True)
    jobs = [(output, config, index) for index in range(config.count)]
    if config.workers > 1:
        with ProcessPoolExecutor(config.workers) as pool:
            entries = list(pool.map(_write_picture, jobs))
    else:
        entries = [_write_picture(job) for job in jobs]
    truth = {"seed": config.seed, "images": entries}
    (output / "truth.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    return [output / str(entry["file"]) for entry in entries]


def gallery_scene(config: GalleryConfig, index: int) -> SceneSpec:
    """The scene of one picture of the gallery; its nearest person grants the wish."""
    rng = np.random.default_rng([config.seed, index])
    portrait = index % 4 == 3
    short = round(config.long_side / 1.5)
    height, width = (config.long_side, short) if portrait else (short, config.long_side)
    people = int(rng.integers(1, 4)) if portrait else 12 if index % 12 == 5 else int(rng.integers(2, 7))
    scene = sample_scene(rng, height=height, width=width, num_people=people, rare=0.25)
    backdrop = ("street", "park", "plaza", "shop", "wall")[index % 5] if people < 8 else "plaza"
    grade = replace(scene.grade, noise=0.006, blur=0.0, jpeg_quality=0, exposure=float(rng.uniform(1.0, 1.2)))
    wearer = granted(scene.people[0], WISHES[index % len(WISHES)], rng)
    return replace(scene, backdrop=backdrop, grade=grade, people=(wearer, *scene.people[1:]))


def granted(person: PersonSpec, wish: Wish, rng: np.random.Generator) -> PersonSpec:
    """The person with the wished garments, turned so that they can be seen, and without what would hide them."""
    wished = wish(rng)
    if "Skirt" in wished:
        person = replace(person, curve=0.85)
        wished |= {"Hair": hair(rng, str(rng.choice(["long", "bob", "ponytail"])), "Brown")}
    worn = {
        name: garment
        for name, garment in person.outfit.garments.items()
        if name not in ("Hat", "Coat", "Scarf", "Mask")
    }
    if {"Pants", "Skirt"} & wished.keys():
        worn.pop("Pants", None)
        worn.pop("Skirt", None)
    elif person.outfit.dress and "UpperClothes" in wished:
        worn.pop("Skirt")
        worn["Pants"] = make_garment(rng, "Pants", size="Long/large", style="straight", color="Dark")
    loses_half = person.outfit.dress and bool({"Pants", "Skirt", "UpperClothes"} & wished.keys())
    if loses_half and "UpperClothes" not in wished:
        worn["UpperClothes"] = make_garment(
            rng, "UpperClothes", size="Long/large", style="crew long tucked", color="Light"
        )
    whole = "Skirt" in wished and "UpperClothes" in wished
    outfit = replace(
        person.outfit,
        garments=worn | wished,
        dress=whole or (person.outfit.dress and not loses_half),
        bag="none",
        belt=False,
    )
    return replace(person, outfit=outfit, yaw=float(rng.normal(0, 0.3)))


def _coat(rng: np.random.Generator, color: str) -> Garment:
    style = f"coat {rng.choice(['open', 'half', 'closed'])}"
    return make_garment(rng, "Coat", size="Long/large", style=style, color=color, texture="wool", reach=0.6)


def _dress(rng: np.random.Generator) -> Garments:
    skirt = make_garment(
        rng, "Skirt", size="Short/small", style="flared", color="Pink", pattern="Fancy", print_style="floral"
    )
    return {"Skirt": skirt, "UpperClothes": replace(skirt, style="scoop cap hip", fit=0.15)}


def _top(
    rng: np.random.Generator, color: str, pattern: str, print_style: str, style: str = "collar long hip"
) -> Garment:
    return make_garment(
        rng, "UpperClothes", size="Long/large", style=style, color=color, pattern=pattern, print_style=print_style
    )


def _jeans(rng: np.random.Generator) -> Garment:
    return make_garment(rng, "Pants", size="Long/large", style="straight", color="Blue", texture="denim")


def _skirt(rng: np.random.Generator, color: str, size: str) -> Garment:
    return make_garment(rng, "Skirt", size=size, style="a-line", color=color)


def _boots(rng: np.random.Generator) -> Garment:
    return make_garment(rng, "Shoes", size="Long/large", style="boot", color="Dark", reach=0.6)


WISHES: tuple[Wish, ...] = (
    lambda rng: {"Coat": _coat(rng, "Red")},
    lambda rng: {"Skirt": _skirt(rng, "Yellow", "Short/small")},
    lambda rng: {"UpperClothes": _top(rng, "Light", "Geometrical", "stripes-h", "crew long hip")},
    lambda rng: {"Pants": _jeans(rng), "UpperClothes": _top(rng, "Light", "Solid", "plain", "crew long hip")},
    lambda rng: {"Coat": _coat(rng, "Dark"), "Shoes": _boots(rng)},
    lambda rng: {"Hat": make_garment(rng, "Hat", size="Short/small", style="beanie", color="Green")},
    lambda rng: _dress(rng),
    lambda rng: {
        "Mask": make_garment(rng, "Mask", size="Short/small", style="mask", color="Light"),
        "Hair": hair(rng, "bob", "Dark"),
    },
    lambda rng: {"Scarf": make_garment(rng, "Scarf", size="Long/large", style="wrap", color="Purple")},
    lambda rng: {"UpperClothes": _top(rng, "Red", "Geometrical", "plaid"), "Pants": _jeans(rng)},
    lambda rng: {
        "Pants": make_garment(
            rng, "Pants", size="Long/large", style="straight", color="Green", pattern="Fancy", print_style="camouflage"
        )
    },
    lambda rng: {
        "Hair": hair(rng, "long", "Yellow"),
        "Glasses": make_garment(rng, "Glasses", size="Long/large", style="sun", color="Dark"),
    },
    lambda rng: {"UpperClothes": _top(rng, "Orange", "Solid", "plain", "turtle long hip")},
    lambda rng: {
        "Coat": _coat(rng, "Brown"),
        "Glove": make_garment(rng, "Glove", size="Short/small", style="glove", color="Dark"),
    },
    lambda rng: {"Skirt": _skirt(rng, "Blue", "Long/large")},
    lambda rng: {"Hat": make_garment(rng, "Hat", size="Long/large", style="sun", color="Brown")},
)


def _write_picture(job: tuple[Path, GalleryConfig, int]) -> dict[str, object]:
    """Draw and save one picture; returns its entry of the truth."""
    output, config, index = job
    rendered = render(gallery_scene(config, index), fine=True)
    rng = np.random.default_rng([config.seed, index, 1])
    camera = CAMERAS[int(rng.integers(len(CAMERAS)))]
    captured = FIRST_DAY + timedelta(
        days=int(rng.integers(0, 6)), minutes=int(rng.integers(0, 13 * 60)), seconds=int(rng.integers(60))
    )
    name = f"scene_{index + 1:03d}.jpg"
    Image.fromarray(rendered.image).save(output / name, quality=92, exif=_exif(camera, captured))
    return {
        "file": name,
        "height": rendered.image.shape[0],
        "width": rendered.image.shape[1],
        "camera": camera,
        "captured_at": captured.isoformat(),
        "people": [_person_entry(person) for person in people_records(rendered)],
    }


def _exif(camera: str, captured: datetime) -> Image.Exif:
    exif, stamp = Image.Exif(), captured.strftime("%Y:%m:%d %H:%M:%S")
    exif[0x010F], exif[0x0110], exif[0x0132] = "Signalement", camera, stamp  # make, model, date
    exif.get_ifd(0x8769)[0x9003] = stamp  # date when taken
    return exif


def _person_entry(person: Person) -> dict[str, object]:
    return {
        "box_xyxy": list(person.box_xyxy),
        "attributes": [_attribute_entry(attribute) for attribute in person.attributes],
    }


def _attribute_entry(attribute: CharacterizedAttribute) -> dict[str, object]:
    entry: dict[str, object] = {"attribute": attribute.attribute, "area": attribute.area}
    if attribute.attribute in CHARACTERIZED:
        for task in CHARACTERISTICS:
            entry[task] = LABELS[task][int(np.argmax(attribute.probabilities[task]))]
    return entry


def main() -> None:
    """Write the gallery that the command line asks for."""
    parser = argparse.ArgumentParser(description="Draw a sample gallery of people with exactly known clothes.")
    parser.add_argument("--output", type=Path, required=True, help="folder for the pictures and truth.json")
    parser.add_argument("--count", type=int, default=GalleryConfig.count)
    parser.add_argument("--seed", type=int, default=GalleryConfig.seed)
    parser.add_argument("--long-side", type=int, default=GalleryConfig.long_side, help="pixels of the longer side")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that draw")
    options = parser.parse_args()
    if options.count < 1 or options.long_side < 64:
        parser.error(
            f"expected --count of 1 or more and --long-side of 64 or more, got {options.count} and {options.long_side}"
        )
    config = GalleryConfig(options.count, options.seed, options.long_side, options.workers)
    print(f"{len(write_gallery(options.output, config))} pictures and truth.json in {options.output}")


if __name__ == "__main__":
    main()
