"""Metrics: equal to what published evaluation code gives, and right on cases small enough to count by hand."""

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.average_precision import AveragePrecision, ItemMatcher, Items, area_under_curve
from training.items import characteristic_items, part_items, people_items, person_label_maps, true_parts
from training.metric_cases import CaseFileError, measure_cases
from training.metrics import MetricCounter
from training.miou import IoUCounter, merge_classes, resize_nearest
from training.person_parsing import PersonParsingMatcher
from training.report import as_csv, as_text, document, table_rows

CASES = ("main", "perfect", "duplicates", "ties")
EXPECTED_TASK = {"attribute": "attr", "size": "size", "pattern": "pattern", "color": "color"}


@pytest.fixture(scope="module")
def metrics_root() -> Path:
    root = os.environ.get("METRICS_ROOT")
    if not root:
        pytest.skip("METRICS_ROOT is not set: the folder with the metric cases (expected.json, *.npz)")
    return Path(root)


@pytest.fixture(scope="module")
def measured(metrics_root: Path) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """case -> (our JSON document, the expected values)."""
    expected = json.loads((metrics_root / "expected.json").read_text())
    return {case: (document(measure_cases(metrics_root / f"{case}.npz")), expected[case]) for case in CASES}


def close(ours: Any, expected: Any) -> bool:
    """Equal to 1e-9, null being equal to null only."""
    pairs = [np.array(values, dtype=float).ravel() for values in (ours, expected)]
    return bool(np.allclose(*pairs, rtol=0, atol=1e-9, equal_nan=True))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("task", EXPECTED_TASK)
def test_miou_equals_the_published_scripts(measured: Any, case: str, task: str) -> None:
    ours, expected = measured[case]
    peers = expected["mIoU"][EXPECTED_TASK[task]]
    kit = peers["ccihp_authors_kit"]
    assert close(ours["miou"][task]["dataset"], peers["graphonomy"]["miou"])
    assert close(list(ours["miou"][task]["per_class"].values()), peers["graphonomy"]["iou"])
    assert close(ours["miou"][task]["per_image"], kit["mean_over_images_miou"])
    assert close(ours["details"]["miou"][task]["image_means"], kit["per_image_miou"])
    assert close(ours["details"]["miou"][task]["foreground"], peers["own_foreground_only_miou"])


@pytest.mark.parametrize("case", CASES)
def test_part_ap_equals_the_published_scripts(measured: Any, case: str) -> None:
    ours, expected = measured[case]
    for rule, peer in (("published", "m2fp"), ("strict", "own_strict_one_to_one")):
        details = ours["details"]["ap_r"][rule]
        assert close(ours["ap_r_vol"][rule], expected["AP_r"][peer]["ap_vol"])
        assert close(details["by_threshold"], expected["AP_r"][peer]["ap_by_threshold"])
        per_class = list(details["by_class_and_threshold"].values())
        assert close(per_class, expected["AP_r"][peer]["ap_class_by_threshold"])
    in_truth = expected["AP_r"]["own_mean_over_classes_in_gt"]
    assert close(ours["details"]["ap_r"]["published"]["vol_in_truth"], in_truth["pgn_rule"])
    assert close(ours["details"]["ap_r"]["strict"]["vol_in_truth"], in_truth["strict"])


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("task", ["size", "pattern", "color"])
def test_characteristic_ap_equals_the_authors_kit(measured: Any, case: str, task: str) -> None:
    ours, expected = measured[case]
    peers = expected["AP_cr"][task]
    assert close(ours["ap_cr_vol"][task]["published"], peers["authors_kit"]["ap_vol"])
    assert close(ours["ap_cr_vol"][task]["strict"], peers["own_strict_one_to_one"]["ap_vol"])
    per_class = list(ours["details"]["ap_cr"][task]["published"]["by_class_and_threshold"].values())
    assert close(per_class, peers["authors_kit"]["ap_class_by_threshold"])


@pytest.mark.parametrize("case", CASES)
def test_person_ap_equals_the_published_scripts(measured: Any, case: str) -> None:
    ours, expected = measured[case]
    assert close(ours["ap_p_vol"], expected["AP_p"]["parsing_rcnn"]["ap_vol"])
    assert close(ours["pcp_50"], expected["AP_p"]["parsing_rcnn"]["pcp_50"])
    assert close(ours["details"]["ap_p"]["by_threshold"], expected["AP_p"]["parsing_rcnn"]["ap_by_threshold"])
    assert close(ours["details"]["ap_p"]["pcp_by_threshold"], expected["AP_p"]["parsing_rcnn"]["pcp_by_threshold"])
    assert close(ours["details"]["ap_h"]["by_threshold"], expected["AP_h"]["m2fp"]["ap_by_threshold"])


@pytest.mark.parametrize("case", ["main", "perfect"])  # the others have scores made by hand
def test_our_item_builders_give_the_items_of_the_cases(metrics_root: Path, case: str) -> None:
    arrays = np.load(metrics_root / f"{case}.npz")
    for number in range(int(arrays["num_images"])):
        image = {name[4:]: arrays[name] for name in arrays.files if name.startswith(f"i{number:02d}_")}
        human, attribute = image["pr_human"], image["pr_attr"]
        assert_items(part_items(human, attribute, image["pr_attr_prob"]), image, "pr_part")
        for task in ("size", "pattern", "color"):
            items = characteristic_items(human, attribute, image[f"pr_{task}"], image[f"pr_{task}_prob"])
            assert_items(items, image, f"pr_{task}_item")


def assert_items(items: Items, image: dict[str, Any], prefix: str) -> None:
    table = image[f"{prefix}_table"].reshape(-1, 2)
    np.testing.assert_array_equal(items.id_map, image[f"{prefix}_map"])
    np.testing.assert_array_equal(items.classes, table[:, 0])
    np.testing.assert_allclose(items.scores, table[:, 1], rtol=1e-5)


def miou_of(truth: list[int], prediction: list[int], num_classes: int = 3) -> Any:
    counter = IoUCounter(num_classes)
    counter.add(np.array([truth], np.uint8), np.array([prediction], np.uint8))
    return counter.result()


def test_absent_classes_are_left_out_of_the_mean() -> None:
    result = miou_of([0, 0, 1, 1], [0, 1, 1, 1])
    np.testing.assert_allclose(result.per_class, [1 / 2, 2 / 3, np.nan])
    assert result.dataset == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_255_is_ignored_over_the_data_set_and_is_background_per_image() -> None:
    result = miou_of([255, 255, 1, 1], [0, 1, 1, 1])
    assert result.dataset == 1.0
    assert result.per_image == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_a_predicted_label_that_is_no_class_is_wrong() -> None:
    result = miou_of([0, 0, 1, 1], [0, 0, 1, 7])
    assert result.per_class[1] == 0.5
    assert result.pixel_accuracy == 0.75


def test_no_images_have_no_value() -> None:
    result = IoUCounter(3).result()
    assert math.isnan(result.dataset)
    assert math.isnan(result.per_image)


def test_a_prediction_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must have the ground truth's shape \(1, 4\), got \(1, 3\)"):
        miou_of([0, 0, 1, 1], [0, 0, 1])


def test_merged_classes_count_as_one() -> None:
    counts = miou_of([1, 1, 2, 2], [1, 2, 2, 1]).confusion
    merged = merge_classes(counts, [(1, 2)])
    assert merged[1, 1] == 4
    assert merged.sum() == 4


@pytest.mark.parametrize(("source", "target", "indices"), [(4, 2, [0, 2]), (2, 4, [0, 0, 1, 1]), (3, 2, [0, 1])])
def test_resizing_takes_the_floor_of_the_scaled_index(source: int, target: int, indices: list[int]) -> None:
    line = np.arange(source)[None]
    np.testing.assert_array_equal(resize_nearest(line, (1, target))[0], indices)


def items(id_row: list[int], classes: list[int], scores: list[float] | None = None) -> Items:
    id_map = np.array([id_row], np.uint8)
    return Items.numbered(id_map, np.array(classes, np.int64), np.array(scores or [1.0] * len(classes)))


def ap_of(truth: Items, prediction: Items, num_classes: int = 1, *, strict: bool = False) -> AveragePrecision:
    matcher = ItemMatcher(num_classes)
    matcher.add(truth, prediction)
    return matcher.result(one_to_one=strict)


def test_an_iou_exactly_on_a_threshold_is_a_miss() -> None:
    result = ap_of(items([1, 1, 0, 0], [1]), items([1, 0, 0, 0], [1]))
    np.testing.assert_array_equal(result.by_class[0], [1, 1, 1, 1, 0, 0, 0, 0, 0])


def test_the_strict_rule_counts_a_part_once() -> None:
    truth, prediction = items([1, 1, 1, 1], [1]), items([1, 1, 2, 2], [1, 1], [0.9, 0.8])
    assert ap_of(truth, prediction).by_class[0, 0] == 2.0
    assert ap_of(truth, prediction, strict=True).by_class[0, 0] == 1.0


def test_a_class_with_items_but_no_truth_has_no_value_and_an_absent_class_has_zero() -> None:
    result = ap_of(items([1, 1, 0, 0], [1]), items([1, 1, 2, 0], [1, 2]), num_classes=3)
    np.testing.assert_array_equal(result.by_class[:, 0], [1, np.nan, 0])
    assert math.isnan(result.volume)
    assert result.volume_defined == 0.5
    assert result.volume_in_truth == 1.0


def test_truth_is_resized_to_a_prediction_of_another_resolution() -> None:
    truth = items([1, 1, 1, 1, 0, 0, 0, 0], [1])
    assert ap_of(truth, Items.numbered(np.array([[1, 1, 0, 0]]), np.array([1]), np.ones(1))).volume == 1.0


def test_images_without_people_or_predictions_count() -> None:
    matcher = ItemMatcher(1)
    nothing = items([0, 0], [])
    matcher.add(nothing, nothing)
    matcher.add(items([1, 1], [1]), nothing)
    matcher.add(items([1, 1], [1]), items([1, 1], [1], [0.5]))
    assert matcher.result().by_class[0, 0] == 0.5
    matcher.add(nothing, items([1, 0], [1], [0.9]))
    assert matcher.result().by_class[0, 0] == 0.25  # the best item is wrong now


def test_area_under_curve_uses_the_precision_envelope() -> None:
    assert area_under_curve(np.array([True, False, True]), 2) == pytest.approx(1 / 2 + 1 / 2 * 2 / 3)


label_rows = st.lists(st.integers(0, 3), min_size=12, max_size=12)


@settings(deadline=None, max_examples=60)  # the machine may be busy
@given(truth=label_rows, prediction=label_rows, strict=st.booleans())
def test_ap_equals_a_plain_loop(truth: list[int], prediction: list[int], strict: bool) -> None:
    scores = [0.7, 0.9, 0.8]
    result = ap_of(items(truth, [1, 1, 1]), items(prediction, [1, 1, 1], scores), strict=strict)
    parts = [set(np.flatnonzero(np.array(truth) == part)) for part in (1, 2, 3) if part in truth]
    found: list[bool] = []
    taken: set[int] = set()
    for item in (2, 3, 1):
        pixels = set(np.flatnonzero(np.array(prediction) == item))
        if pixels:
            overlaps = [len(pixels & part) / len(pixels | part) for part in parts] or [0.0]
            best = overlaps.index(max(overlaps))
            found.append(max(overlaps) > 0.3 and not (strict and best in taken))
            taken |= {best} if found[-1] else set()
    np.testing.assert_equal(result.by_class[0, 2], area_under_curve(np.array(found, bool), len(parts)))


def test_a_person_is_right_when_the_mean_over_background_and_parts_is() -> None:
    matcher = PersonParsingMatcher(3)
    human, attribute = np.array([[1, 1, 2, 0]]), np.array([[1, 2, 1, 0]])
    matcher.add(human, attribute, np.array([[[1, 1, 0, 0]]]), np.array([0.9]))
    result = matcher.result()  # against person 1: background 1, class 1 a half, class 2 zero -> mean 0.5
    np.testing.assert_array_equal(result.ap, [0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(result.pcp, [0.25, 0.25, 0.25, 0.25, 0, 0, 0, 0, 0])


def test_a_person_is_found_once() -> None:
    matcher = PersonParsingMatcher(3)
    human = np.array([[1, 1, 0, 0]])
    matcher.add(human, human, np.array([[[1, 1, 0, 0]], [[1, 1, 0, 0]]]), np.array([0.4, 0.9]))
    result = matcher.result()
    assert result.ap_50 == 1.0
    assert result.pcp_50 == 1.0


def test_255_inside_a_person_is_ignored_and_crowds_are_nobody() -> None:
    matcher = PersonParsingMatcher(3)
    human, attribute = np.array([[1, 1, 255, 0]], np.uint8), np.array([[1, 255, 1, 0]], np.uint8)
    matcher.add(human, attribute, np.array([[[1, 2, 0, 0]]]), np.array([0.9]))
    assert matcher.result().ap_volume == 1.0


def test_without_people_there_is_no_person_ap() -> None:
    matcher = PersonParsingMatcher(3)
    nobody = np.zeros((1, 4), np.uint8)
    matcher.add(nobody, nobody, np.zeros((0, 1, 4), np.uint8), np.zeros(0))
    matcher.add(nobody, nobody, np.ones((1, 1, 4), np.uint8), np.ones(1))
    assert math.isnan(matcher.result().ap_volume)
    assert math.isnan(matcher.result().pcp_50)


def test_true_parts_carry_their_most_frequent_labels() -> None:
    human = np.array([[1, 1, 1, 2, 2, 255]], np.uint8)
    labels = {
        "attribute": np.array([[5, 5, 5, 5, 255, 5]], np.uint8),
        "size": np.array([[1, 2, 2, 255, 255, 1]], np.uint8),
        "pattern": np.array([[1, 1, 1, 1, 1, 1]], np.uint8),
        "color": np.array([[3, 3, 3, 0, 0, 3]], np.uint8),
    }
    parts, characteristics = true_parts(human, labels)
    np.testing.assert_array_equal(parts.id_map, [[1, 1, 1, 2, 0, 0]])
    np.testing.assert_array_equal(parts.classes, [5, 5])
    np.testing.assert_array_equal(characteristics["size"].classes, [2, 255])
    np.testing.assert_array_equal(characteristics["color"].classes, [3, 0])


def test_people_and_their_label_maps() -> None:
    human = np.array([[1, 2, 0, 255]], np.uint8)
    np.testing.assert_array_equal(people_items(human).ids, [1, 2])
    maps = person_label_maps(human, np.array([[4, 5, 6, 7]], np.uint8), 2)
    np.testing.assert_array_equal(maps, [[[4, 0, 0, 0]], [[0, 5, 0, 0]]])


def test_case_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(CaseFileError, match="no metric cases at"):
        measure_cases(tmp_path / "missing.npz")
    text = tmp_path / "text.npz"
    text.write_text("no arrays")
    with pytest.raises(CaseFileError, match="cannot be read"):
        measure_cases(text)
    np.savez(tmp_path / "other.npz", num_images=1)
    with pytest.raises(CaseFileError, match="i00_gt_human"):
        measure_cases(tmp_path / "other.npz")


MAPS = ("human", "attr", "size", "pattern", "color")


def case(truth: dict[str, Any], prediction: dict[str, Any], **items: Any) -> dict[str, Any]:
    """The arrays of one image: label maps as nested lists, and whatever items are given."""
    maps = {f"gt_{name}": np.array(truth[name], np.uint8) for name in truth}
    maps |= {f"pr_{name}": np.array(prediction[name], np.uint8) for name in prediction}
    return maps | items


def measure(path: Path, *images: dict[str, Any]) -> dict[str, Any]:
    """Our JSON document of a case file with these images."""
    arrays = {f"i{number:02d}_{name}": array for number, image in enumerate(images) for name, array in image.items()}
    np.savez(path / "cases.npz", num_images=len(images), **arrays)
    return document(measure_cases(path / "cases.npz"))


def uniform(rows: int, columns: int, label: int) -> dict[str, Any]:
    """Maps of one person with one label everywhere; nobody if it is 0."""
    return {name: np.full((rows, columns), min(label, 1) if name == "human" else label) for name in MAPS}


ONES = uniform(2, 3, 1)
WHOLE, EMPTY = np.ones((2, 3), int), np.zeros(0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"gt_human": np.ones((2, 3))}, r"i00_gt_human must be whole numbers .* of shape \(any, any\), got float64"),
        ({"gt_human": np.ones((0, 0), int)}, r"i00_gt_human must be whole .*, got int64 of shape \(0, 0\)"),
        ({"gt_human": np.ones((3, 3), int)}, r"i00_gt_attr must be whole .* shape \(3, 3\), got .* shape \(2, 3\)"),
        ({"gt_human": np.array([{}])}, "i00_gt_human cannot be read .Object arrays"),
        ({"gt_attr": WHOLE + 999}, "i00_gt_attr must be whole numbers from 0 to 255 .* from 1000 to 1000"),
        ({"pr_size": -WHOLE}, "i00_pr_size must be whole numbers from 0 to 255 .* from -1 to -1"),
        ({"pr_size": np.ones((4, 3), int)}, r"i00_pr_size must be of pr_human's shape \(2, 3\) where items are built"),
        ({"pr_attr_prob": WHOLE * np.nan}, "i00_pr_attr_prob must be finite numbers"),
        ({"pr_human_score": np.array([np.nan])}, "i00_pr_human_score must be finite numbers"),
        ({"pr_human_score": np.array(["a"])}, "i00_pr_human_score must be finite numbers"),
        ({"pr_human_score": EMPTY}, "i00_pr_human_score must be scores of the people 1 to 1 in pr_human"),
        ({"pr_parsing": WHOLE[None], "pr_parsing_score": EMPTY}, r"i00_pr_parsing must be .* of shape \(0, any, any\)"),
        ({"pr_part_map": WHOLE, "pr_part_table": EMPTY}, "i00_pr_part_table must be a class and a score"),
        ({"pr_part_map": WHOLE, "pr_part_table": np.array([[1, np.nan]])}, "i00_pr_part_table must be finite"),
        ({"gt_part_map": WHOLE, "gt_part_table": -np.ones((1, 6))}, "i00_gt_part_table must be whole"),
        ({"gt_part_map": WHOLE, "gt_part_table": np.ones((2, 6))}, "i00_gt_part_table must be whole"),
        ({"gt_part_map": WHOLE, "gt_part_table": np.ones((1, 5))}, "i00_gt_part_table must be finite"),
    ],
)  # fmt: skip
def test_arrays_of_another_kind_are_named(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(CaseFileError, match=message):
        measure(tmp_path, case(ONES, ONES) | changed)


@pytest.mark.parametrize("number", [-1, 1.5, [1, 1], "one"])
def test_a_number_of_images_that_is_none(tmp_path: Path, number: Any) -> None:
    np.savez(tmp_path / "cases.npz", num_images=number)
    with pytest.raises(CaseFileError, match=r"cases.npz: num_images must be whole numbers .* of shape \(\), got "):
        measure_cases(tmp_path / "cases.npz")


@pytest.mark.parametrize("written", [b"", b"hello" * 50, b"PK\x03\x04"])
def test_a_file_that_is_no_archive_of_arrays(tmp_path: Path, written: bytes) -> None:
    (tmp_path / "cases.npz").write_bytes(written)
    with pytest.raises(CaseFileError, match=r"cannot be read as one: .*; write it again with numpy.savez"):
        measure_cases(tmp_path / "cases.npz")


def test_items_that_a_case_file_lacks_are_built_by_the_published_rules(metrics_root: Path, tmp_path: Path) -> None:
    built = ("gt_part", "pr_part", "pr_size_item", "pr_pattern_item", "pr_color_item")
    with np.load(metrics_root / "main.npz") as arrays:
        kept = {name: arrays[name] for name in arrays.files if not name[4:].startswith(built)}
    np.savez(tmp_path / "cases.npz", **kept)
    ours, given = (
        document(measure_cases(root / name)) for root, name in ((tmp_path, "cases.npz"), (metrics_root, "main.npz"))
    )
    for metric in ("ap_r_vol", "ap_cr_vol", "ap_p_vol", "pcp_50", "miou"):
        np.testing.assert_equal(flat(ours[metric]), pytest.approx(flat(given[metric]), abs=1e-6, nan_ok=True))


def flat(value: Any) -> list[float]:
    """The numbers in a document, null as NaN."""
    if isinstance(value, dict):
        return [number for part in value.values() for number in flat(part)]
    return [math.nan if value is None else value]


def test_a_perfect_prediction_of_half_the_resolution_is_perfect(tmp_path: Path) -> None:
    result = measure(tmp_path, case(uniform(40, 40, 2), uniform(20, 20, 2)))
    assert result["miou"]["attribute"]["dataset"] == 1.0
    assert result["ap_r_vol"]["published"] == 1 / 19  # 1 for the class that is there, 0 for those that are not
    assert result["ap_cr_vol"]["size"]["strict"] == 1 / 4
    assert result["ap_p_vol"] == 1.0
    assert result["pcp_50"] == 1.0


def test_people_in_one_image_and_predictions_in_another(tmp_path: Path) -> None:
    empty = np.zeros((0,), np.uint8)
    missed = case(uniform(20, 20, 2), uniform(20, 20, 0), pr_parsing=empty, pr_parsing_score=empty)
    result = measure(tmp_path, missed, case(uniform(20, 20, 0), uniform(20, 20, 2)))
    assert result["miou"]["attribute"]["per_class"]["Hair"] == 0.0
    assert result["ap_p_vol"] == 0.0
    assert result["ap_r_vol"]["strict"] == 0.0


def test_no_images_have_no_values(tmp_path: Path) -> None:
    result = measure(tmp_path)
    assert result["miou"]["color"]["dataset"] is None
    assert result["ap_p_vol"] is None


def test_a_task_without_ground_truth_is_not_measured(tmp_path: Path) -> None:
    truth = {name: labels for name, labels in uniform(20, 20, 2).items() if name != "color"}
    result = measure(tmp_path, case(truth, uniform(20, 20, 2)))
    assert result["miou"]["color"]["dataset"] is None
    assert result["miou"]["size"]["dataset"] == 1.0


def test_tables_have_a_column_for_each_class_and_rows_for_iou_and_precision(tmp_path: Path) -> None:
    np.savez(tmp_path / "cases.npz", num_images=0)
    rows = table_rows(measure_cases(tmp_path / "cases.npz"))
    heads = [row for row in rows if all(isinstance(cell, str) for cell in row)]
    assert [head[0] for head in heads] == ["attribute", "size", "pattern", "color", "people"]
    assert list(heads[1]) == ["size", "Background", "Short/small", "Long/large", "Undetermined", "Sparse/bald", "all"]
    assert [row[0] for row in rows[6:10]] == [
        "IoU over the data set",
        "IoU, mean over images",
        "AP^cr_vol, published",
        "AP^cr_vol, strict",
    ]
    assert all(len(row) == len(heads[1]) for row in rows[5:10])
    assert "IoU over the data set" in as_text(rows)
    assert as_csv(rows).startswith("attribute,Background,Hat,")


def test_what_was_never_measured_has_no_value() -> None:
    nothing = MetricCounter().result()
    assert np.isnan(nothing.parts.published.volume_defined)
    assert np.isnan(nothing.characteristics["color"].strict.volume)
