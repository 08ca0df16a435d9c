"""Tests of fitting: thresholds keep their promises, and a back-off is chosen only where it helps."""

from dataclasses import replace

import numpy as np
import pytest

from parsing.labels import COLORS
from query.fitting import fit, search_description
from query.search import MODES, SearchConfig
from query.tree import Has
from query.truth import Garments, Question, questions
from tests.test_query_benchmark import noisy_person, random_people

RED_HAT: Garments = {"Hat": {"size": "Short/small", "pattern": "Solid", "color": "Red"}}
NO_CONFUSION = tuple(tuple(row) for row in np.eye(len(COLORS)).tolist())


def test_thresholds_keep_their_promises() -> None:
    truth, rng = random_people(100), np.random.default_rng(3)
    people = [noisy_person(one, rng, noise=1.5) for one in truth]
    fitted = fit(people, questions(truth), None).modes
    assert fitted["strict"].precision >= 0.9
    assert fitted["recall"].recall >= 0.95
    assert fitted["strict"].threshold >= fitted["balanced"].threshold >= fitted["recall"].threshold
    f1 = {mode: 2 * one.precision * one.recall / (one.precision + one.recall) for mode, one in fitted.items()}
    assert max(f1.values()) == f1["balanced"]


def test_threshold_takes_all_equal_scores_or_none() -> None:
    rng = np.random.default_rng(0)
    hat = noisy_person(RED_HAT, rng, noise=0)
    asked = [Question("one clause", Has(("Hat",)), (True, True, False, False))]
    fitted = fit([hat] * 3 + [noisy_person({}, rng, noise=0)], asked, None).modes
    assert (fitted["balanced"].precision, fitted["balanced"].recall) == pytest.approx((2 / 3, 1))


def test_further_matches_are_counted_against_what_was_promised() -> None:
    rng = np.random.default_rng(0)
    sure = noisy_person(RED_HAT, rng, noise=0)
    unsure = replace(sure, presence={"Hat": 0.2})
    asked = [Question("one clause", Has(("Hat",)), (True, True, False, False))]
    strict = fit([sure, unsure, unsure, unsure], asked, None).modes["strict"]
    assert strict.recall == 0.5
    assert strict.further == pytest.approx(1 / (3 * 0.2), rel=0.02)  # one of three, each promised with 0.2


def dressed_in(color: str, seen: str) -> tuple[Garments, Garments]:
    """Somebody in pants of a color, and what the parser takes them for."""
    true = {"Pants": {"size": "Long/large", "pattern": "Solid", "color": color}}
    return true, {"Pants": {**true["Pants"], "color": seen}}


def test_back_off_is_chosen_where_colors_are_confused_and_only_there() -> None:
    rng = np.random.default_rng(0)
    pairs = [dressed_in("Blue", "Dark")] * 6 + [dressed_in("Blue", "Blue")] * 2 + [dressed_in("Red", "Red")] * 8
    people = [noisy_person(seen, rng, noise=0) for _, seen in pairs]
    asked = [
        Question(
            "one clause", Has(("Pants",), color=(color,)), tuple(true["Pants"]["color"] == color for true, _ in pairs)
        )
        for color in ("Blue", "Red")
    ]
    table = np.eye(len(COLORS))
    blue, dark = COLORS.index("Blue"), COLORS.index("Dark")
    table[blue, [blue, dark]] = 0.25, 0.75
    confusion = tuple(tuple(row) for row in table.tolist())
    assert fit(people, asked, confusion).back_off > 0
    assert fit(people, asked, NO_CONFUSION).back_off == 0
    assert fit(people, asked, None).back_off == 0


def test_what_was_fitted_is_what_a_search_reads() -> None:
    truth, rng = random_people(40), np.random.default_rng(1)
    fitted = fit([noisy_person(one, rng, noise=1.5) for one in truth], questions(truth), NO_CONFUSION)
    config = SearchConfig.from_checkpoint(search_description(fitted, NO_CONFUSION))
    for mode in MODES:
        assert getattr(config.thresholds, mode) == fitted.modes[mode].threshold
        assert config.further[mode] == fitted.modes[mode].further
    assert config.back_off == fitted.back_off
