"""Tests of the retrieval benchmark: what is a right answer, and that a better ranking gets better figures."""

import os
from pathlib import Path

import numpy as np
import pytest

from parsing.labels import CHARACTERISTICS, LABELS, PAIRS
from parsing.records import CharacterizedAttribute, ParsedImage, Person, RunLengthMask
from query.benchmark import (
    average_precision,
    is_calibration,
    is_validation,
    main_person,
    measure,
    table,
)
from query.search import SearchConfig
from query.tree import Has, Not, format_query, parse_query
from query.truth import KINDS, Garments, Question, answer, questions, read_truth

BLANK = RunLengthMask.encode(np.zeros((100, 50), bool))
LINES = """\
0010 coat long solid red
0010 hat absent solid dark
0010 pants undet geom blue
0020 dress short fancy multi
"""


def labelled(folder: Path, lines: str = LINES, tagged: str = "0030 hair sparse solid medium\n") -> Path:
    (folder / "photos").mkdir(exist_ok=True)
    (folder / "characteristics.txt").write_text(lines)
    (folder / "characteristics_tagged.txt").write_text(tagged)
    return folder


def test_labels_become_characterized_attributes(tmp_path: Path) -> None:
    truth = read_truth(labelled(tmp_path), is_validation)
    assert truth == {
        "0010": {
            "Coat": {"size": "Long/large", "pattern": "Solid", "color": "Red"},
            "Pants": {"size": "Undetermined", "pattern": "Geometrical", "color": "Blue"},
        },
        "0020": {
            "UpperClothes": {"size": "Undetermined", "pattern": "Fancy", "color": "Multicolor"},
            "Skirt": {"size": "Short/small", "pattern": "Fancy", "color": "Multicolor"},
        },
        "0030": {"Hair": {"size": "Sparse/bald", "pattern": "Solid", "color": "Medium"}},
    }
    assert read_truth(tmp_path, is_calibration) == {}


@pytest.mark.parametrize("line", ["0010 coat long solid", "0010 cape long solid red", "0010 coat long solid mauve"])
def test_a_line_that_is_no_label_is_refused_with_its_place(tmp_path: Path, line: str) -> None:
    with pytest.raises(ValueError, match=r"characteristics\.txt, line 1, got"):
        read_truth(labelled(tmp_path, line), is_validation)


def test_of_a_folder_as_it_is_published_our_own_labels_are_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no photographs in .*photos; expected a clone of Clothing Co-Parsing"):
        read_truth(tmp_path, is_validation)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "0030.jpg").touch()
    assert list(read_truth(tmp_path, is_validation)) == ["0030"]  # of our list, whose other photographs are not there


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("coat:red", True),
        ("coat:red,long", True),
        ("coat:(blue|red)", True),
        ("coat:blue", False),
        ("-coat:blue", True),
        ("hat", False),
        ("-hat", True),
        ("pants:long", None),
        ("-pants:long", None),
        ("pants:long,red", False),
        ("coat:red pants:long", None),
        ("coat:blue pants:long", False),
        ("(coat|pants):blue", True),
        ("(coat|pants):short", None),
    ],
)
def test_truth_is_three_valued(tmp_path: Path, text: str, expected: bool | None) -> None:
    assert answer(parse_query(text), read_truth(labelled(tmp_path), is_validation)["0010"]) is expected


def random_people(count: int, seed: int = 0) -> list[Garments]:
    rng = np.random.default_rng(seed)
    groups = ("Hat", "Glasses", "Hair", "Coat", "UpperClothes", "Pants", "Skirt", "Scarf", "Shoes")
    return [
        {
            group: {task: str(rng.choice(LABELS[task])) for task in CHARACTERISTICS}
            for group in groups
            if rng.random() < 0.6
        }
        for _ in range(count)
    ]


def noisy_person(garments: Garments, rng: np.random.Generator, noise: float) -> Person:
    """What a parser might say that is unsure by `noise`: 0 is never wrong."""
    records = [
        CharacterizedAttribute("Face", 0.95, 50, {}, BLANK),
        CharacterizedAttribute("L-arm", 0.95, 50, {}, BLANK),
    ]
    records.append(CharacterizedAttribute("L-leg", 0.95, 50, {}, BLANK))
    for group, labels in garments.items():
        probabilities = {task: noisy_labels(task, labels[task], rng, noise) for task in CHARACTERISTICS}
        attribute = PAIRS.get(group, (group,))[0]
        records.append(CharacterizedAttribute(attribute, float(rng.uniform(0.6, 1)), 100, probabilities, BLANK))
    return Person((5, 5, 45, 80), 0.9, BLANK, tuple(records))


def noisy_labels(task: str, label: str, rng: np.random.Generator, noise: float) -> tuple[float, ...]:
    logits = np.array([4.0 * (one == label) for one in LABELS[task]]) + noise * rng.normal(size=len(LABELS[task]))
    return tuple((np.exp(logits) / np.exp(logits).sum()).tolist())


def test_questions_have_the_answers_that_their_people_give() -> None:
    people = random_people(80)
    asked = questions(people, per_kind=30)
    assert {one.kind for one in asked} == set(KINDS)
    assert all(sum(one.kind == kind for one in asked) <= 30 for kind in KINDS)
    for one in asked:
        assert one.answers == tuple(answer(one.query, person) for person in people)
        assert 2 <= one.answers.count(True) <= 40
    assert asked == questions(people, per_kind=30)


def test_negated_questions_deny_something() -> None:
    negated = [one.query for one in questions(random_people(80)) if one.kind == "negated"]
    assert all(" -" in format_query(query) for query in negated)


@pytest.mark.parametrize(
    ("order", "total", "expected"),
    [([1, 0, 1], 2, (1 + 2 / 3) / 2), ([0, 1], 1, 0.5), ([1], 4, 0.25), ([], 2, 0.0), ([0, 0], 1, 0.0)],
)
def test_average_precision_is_the_published_one(order: list[int], total: int, expected: float) -> None:
    assert average_precision(np.array(order, bool), total) == pytest.approx(expected)


def test_a_parser_that_is_never_wrong_gets_all_right() -> None:
    truth, rng = random_people(60), np.random.default_rng(1)
    people = [noisy_person(one, rng, noise=0) for one in truth]
    figures = measure(people, questions(truth), SearchConfig())
    assert figures["soft"]["all"].average_precision > 0.97
    assert figures["random"]["all"].average_precision < 0.4


def test_soft_ranking_beats_hard_filtering_beats_chance() -> None:
    truth, rng = random_people(120), np.random.default_rng(2)
    people = [noisy_person(one, rng, noise=2.5) for one in truth]
    figures = measure(people, questions(truth), SearchConfig())
    for kind in (*KINDS, "all"):
        soft, hard, chance = (figures[name][kind].average_precision for name in ("soft", "hard", "random"))
        assert soft > hard > chance, kind
    assert "two clauses" in table(figures, questions(truth), len(people))


def test_people_nobody_can_judge_are_left_out() -> None:
    people = [noisy_person({}, np.random.default_rng(0), noise=0)] * 3
    asked = [Question("one clause", Not(Has(("Hat",))), (True, None, True))]
    assert measure(people, asked, SearchConfig())["soft"]["all"].average_precision == 1


def test_the_main_person_is_the_largest() -> None:
    def square(side: int) -> Person:
        mask = np.zeros((100, 50), bool)
        mask[:side, :side] = True
        return Person((0, 0, side, side), 0.5, RunLengthMask.encode(mask), ())

    assert main_person(ParsedImage(Path("a.jpg"), 100, 50, (square(10), square(30), square(20)))).box_xyxy[2] == 30


def test_an_image_where_nobody_was_found_still_counts() -> None:
    nobody = main_person(ParsedImage(Path("a.jpg"), 100, 50, ()))
    someone = noisy_person(
        {"Hat": {"size": "Short/small", "pattern": "Solid", "color": "Red"}}, np.random.default_rng(0), 0
    )
    asked = [Question("one clause", Has(("Hat",)), (True, True))]
    assert measure([nobody, someone], asked, SearchConfig())["hard"]["all"].recall_at_10 == 0.5


def test_the_real_labels_give_queries_of_every_kind() -> None:
    root = os.environ.get("CCP_ROOT")
    if not root:
        pytest.skip("set CCP_ROOT to a clone of Clothing Co-Parsing")
    truth = read_truth(Path(root), is_validation)
    assert len(truth) == 163
    assert {one.kind for one in questions(list(truth.values()))} == set(KINDS)
