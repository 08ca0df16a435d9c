from pathlib import Path

import numpy as np

from app.documents import parse_document
from parsing.labels import LABELS
from parsing.records import CharacterizedAttribute, ParsedImage, Person, RunLengthMask


def test_a_parsed_image_is_written_in_the_agreed_form() -> None:
    mask = RunLengthMask.encode(np.eye(4, 6, dtype=bool))
    size, pattern, color = (tuple(np.eye(len(LABELS[task]))[0]) for task in ("size", "pattern", "color"))
    probabilities = {"size": size, "pattern": pattern, "color": color}
    coat = CharacterizedAttribute("Coat", 0.91234567, 4, probabilities, mask)
    face = CharacterizedAttribute("Face", 0.5, 4, {}, mask)
    image = ParsedImage(Path("a.jpg"), 4, 6, (Person((0.0, 1.0, 3.0, 4.0), 0.9, mask, (coat, face)),))
    (written,) = parse_document([image])["images"]
    (person,) = written["people"]
    assert (written["path"], written["width"], written["height"]) == ("a.jpg", 6, 4)
    assert person["box_xyxy"] == [0.0, 1.0, 3.0, 4.0]
    assert person["mask"] == {"size": [4, 6], "counts": mask.counts}
    assert person["attributes"][0]["score"] == 0.9123
    assert person["attributes"][0]["size"] == {
        "Short/small": 1.0, "Long/large": 0.0, "Undetermined": 0.0, "Sparse/bald": 0.0,
    }  # fmt: skip
    assert person["attributes"][1]["color"] == {}
