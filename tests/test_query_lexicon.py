"""Tests of the lexicon: its file's schema, and finding its phrases."""

from pathlib import Path

import pytest
import spacy

from query.lexicon import Lexicon, LexiconError, Vocabulary, plural_of, read_vocabulary, spellings
from query.spelling import Speller
from query.tree import Clause, Has


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return read_vocabulary()


def write(folder: Path, text: str) -> Path:
    path = folder / "lexicon.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_lexicon_knows_several_hundred_garments_and_colors(vocabulary: Vocabulary) -> None:
    entries = vocabulary.entries.values()
    assert sum(entry.garment is not None for entry in entries) > 700
    assert sum(bool(entry.color) for entry in entries) > 300


@pytest.mark.parametrize(
    ("phrase", "clauses"),
    [
        ("coat", [Has(("Coat",))]),
        ("dresses", [Has(("UpperClothes",)), Has(("Skirt",))]),
        ("suit", [Has(("Coat",)), Has(("Pants",))]),
        ("tights", [Has(("Pants", "Socks"))]),
        ("boots", [Has(("Shoes",), size=("Long/large",))]),
        ("bandana", [Has(("Hat", "Scarf"))]),
    ],
)
def test_a_garment_means_its_clauses(vocabulary: Vocabulary, phrase: str, clauses: list[Has]) -> None:
    garment = vocabulary.entries[phrase].garment
    assert garment is not None
    assert list(garment.means) == [Clause(has, negated=False) for has in clauses]


def test_a_phrase_keeps_all_its_senses(vocabulary: Vocabulary) -> None:
    light = vocabulary.entries["light"]
    assert (light.color, light.shade) == (("Light",), "light")


def test_longer_phrases_win_and_hyphens_do_not_matter(vocabulary: Vocabulary) -> None:
    nlp = spacy.blank("en")
    doc = nlp.make_doc("Dress shirt and a T - SHIRT or tee shirts")
    found = Lexicon(nlp, vocabulary.entries).find(doc)
    garments = [doc[start:end].text for start, (end, entry) in sorted(found.items()) if entry.garment is not None]
    assert garments == ["Dress shirt", "T - SHIRT", "tee shirts"]


def test_spellings_and_plurals() -> None:
    assert list(spellings("t-shirt")) == ["t-shirt", "t shirt", "tshirt"]
    assert list(spellings("dark color")) == ["dark color", "dark-color", "dark colour", "dark-colour"]
    assert [plural_of(word) for word in ("coat", "dress", "watch")] == ["coats", "dresses", "watches"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[colours]\nred = ["red"]', r"unknown tables \['colours'\]; expected \['body', 'colors'"),
        ('[colors]\nmauve = ["mauve"]', "'mauve' is no color; expected one of dark, medium, light, brown"),
        ('[colors]\nlong = ["long"]', "'long' is no color"),
        ('[[garment]]\nmeans = "cape"\nphrases = ["cape"]', "garment 'cape': 'cape' is not an attribute"),
        ('[[garment]]\nmeans = "hat"\nphrases = ["hat"]\nsize = 3', r"unknown keys \['size'\]; expected some of"),
        ('[typos]\nscarlet = ["scarlt"]', r"\[typos\] means \['scarlet'\], which the lexicon does not know"),
    ],
)
def test_a_bad_file_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(LexiconError, match=message):
        read_vocabulary(write(tmp_path, text))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("jakcet", "jacket"),
        ("swaeter", "sweater"),
        ("trowsers", "trousers"),
        ("yelow", "yellow"),
        ("mrown", "brown"),  # as close to "crown"
        ("swetshirt", "sweatshirt"),
        ("stripped", "striped"),
        ("raincote", "raincoat"),
        ("cardagin", "cardigan"),
        ("coar", "coat"),  # the key beside
        ("shortd", "shorts"),
    ],
)
def test_slips_are_mended(vocabulary: Vocabulary, typed: str, meant: str) -> None:
    assert Speller(vocabulary).correct(typed) == meant


@pytest.mark.parametrize(
    "word", ["write", "court", "bread", "skill", "short", "xyzzy", "rad", "stocks", "building", "boat", "cost"]
)
def test_ordinary_words_are_left_alone(vocabulary: Vocabulary, word: str) -> None:
    corrected = None if word in vocabulary.entries else Speller(vocabulary).correct(word)
    assert corrected is None
