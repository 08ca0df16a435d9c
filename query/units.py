"""Units: the words of a sentence with their senses, the stuff that the grammar reads."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from spacy.attrs import IDX, LENGTH
from spacy.tokens import Doc

from query.lexicon import NOTHING, Entry, Lexicon
from query.spelling import Speller

_ENDS = frozenset(".;!?\n")
_NAMING = frozenset({"called", "named", "nicknamed", "mr", "mr.", "mrs", "mrs.", "ms", "ms.", "dr", "dr."})
_DOING = frozenset({"in", "wearing", "wears", "who", "is", "has", "holding", "standing", "sitting"})
_NAME = replace(NOTHING, object=True)
_NUMBER = frozenset({"no", "nr", "nr."})
_COMMAS = frozenset({",", ":", "--", "–", "—", "|", "•", "..", "...", "…"})


@dataclass(frozen=True)
class Unit:
    """A phrase of the lexicon, or one other word.

    Args:
        text: in lower case, as understood (a misspelling is replaced).
        start, end: characters of the sentence.
        entry: its senses; `NOTHING` for a word that the lexicon does not know.
        typed: what was typed, where that is something else.
        capitals: it is written in capitals in a text that is not ("POLICE").
    """

    text: str
    start: int
    end: int
    entry: Entry
    typed: str = ""
    capitals: bool = False

    def plays(self, role: str) -> bool:
        """Whether it can have this role in the grammar, one of `[words]` in the lexicon's file."""
        return role in self.entry.roles

    @property
    def unknown(self) -> bool:
        """Whether the lexicon says nothing of it."""
        return self.entry is NOTHING


def read_units(doc: Doc, lexicon: Lexicon, speller: Speller) -> list[Unit]:
    """The units of a tokenized sentence in reading order."""
    found, text = lexicon.find(doc), doc.text
    tokens = [(start, start + length) for start, length in doc.to_array([IDX, LENGTH]).tolist()]
    words = [text[start:end].lower() for start, end in tokens]
    mended = _mended(words, found, lexicon, speller) | _numbers(words)
    meant = _with_words(doc, mended) if mended else doc
    if mended:
        found = lexicon.find(meant)  # "sholder length" is a phrase too
    units: list[Unit] = []
    position = 0
    while position < len(tokens):
        behind, entry = found.get(position, (position + 1, None))
        start, end = tokens[position][0], tokens[behind - 1][1]
        typed = text[start:end]
        changed = any(index in mended for index in range(position, behind)) if mended else False
        word = meant[position:behind].text.lower() if changed else typed.lower()
        if entry is None and not changed and (cut := _seam(word, lexicon)):
            first, second = word[:cut], word[cut:]
            units.append(Unit(first, start, start + cut, lexicon.entries[first]))
            units.append(Unit(second, start + cut, end, lexicon.entries[second]))
        else:
            capitals = len(typed) > 1 and typed.isupper() and not text.isupper()
            units.append(Unit(word, start, end, entry or _guess(word, lexicon), typed if changed else "", capitals))
        position = behind
    return _with_names(_with_split_words(units, lexicon, speller), text)


def _seam(word: str, lexicon: Lexicon) -> int:
    """Where an adjective ends and a garment begins in a word that is both ("bluejeans"), 0 in any other."""
    for cut in range(3, len(word) - 2):
        first, second = lexicon.entries.get(word[:cut], NOTHING), lexicon.entries.get(word[cut:], NOTHING)
        if (first.color or first.size) and second.garment is not None:
            return cut
    return 0


def _mended(
    words: Sequence[str], found: Mapping[int, tuple[int, Entry]], lexicon: Lexicon, speller: Speller
) -> dict[int, str]:
    """Words that no phrase covers and that are misspelled, by their token: what was meant."""
    mended: dict[int, str] = {}
    position = 0
    while position < len(words):
        word = words[position]
        strange = word in speller.typos or word not in lexicon.words
        if position not in found and strange and (meant := speller.correct(word)) is not None:
            mended[position] = meant
        position = found[position][0] if position in found else position + 1
    return mended


def _numbers(words: Sequence[str]) -> dict[int, str]:
    """Short forms of "number", by their token: "nr 7", "no. 7"."""
    plain = {at: "number" for at, (word, then) in enumerate(pairwise(words)) if word in _NUMBER and then.isdigit()}
    dotted = [at for at in range(len(words) - 2) if words[at] in _NUMBER and words[at + 1] == "."]
    return plain | {at + more: "number" for at in dotted if words[at + 2].isdigit() for more in (0, 1)}


def _with_words(doc: Doc, words: Mapping[int, str]) -> Doc:
    """The Doc with other words in some places."""
    texts = [words.get(token.i, token.text) for token in doc]
    return Doc(doc.vocab, words=texts, spaces=[bool(token.whitespace_) for token in doc])


def _punctuation(text: str) -> str:
    if text[0] in _ENDS and text.strip("".join(_ENDS)) == "" and text not in _COMMAS:
        return "stop"
    silent = text != "#" and not any(letter.isalnum() for letter in text)
    return "comma" if text in _COMMAS else "filler" if silent else ""


def _guess(text: str, lexicon: Lexicon) -> Entry:
    """Senses of a mark, or of an unknown word by its ending: an adverb, or a verb that a noun phrase may not cross."""
    if role := _punctuation(text):
        return replace(NOTHING, roles=frozenset({role}))
    if text in lexicon.words:
        return NOTHING
    if len(text) > 4 and text.endswith("ly"):
        return replace(NOTHING, roles=frozenset({"filler"}))
    if len(text) > 4 and re.search(r"[aeiouy].*ing$", text):  # not "sling"
        return replace(NOTHING, roles=frozenset({"verb"}))
    return NOTHING


def _with_split_words(units: Iterable[Unit], lexicon: Lexicon, speller: Speller) -> list[Unit]:
    """Two neighbours that are one misspelled word ("checker ed"), joined."""
    joined: list[Unit] = []
    for unit in units:
        pair = f"{joined[-1].text} {unit.text}" if joined else ""
        if pair in speller.typos:
            before = joined.pop()
            meant = speller.typos[pair]
            unit = Unit(meant, before.start, unit.end, lexicon.entries[meant], typed=pair)
        joined.append(unit)
    return joined


def _with_names(units: list[Unit], text: str) -> list[Unit]:
    """The units with people's names ("a man called Bob", "Rose in a red coat") taken as no words of the lexicon."""
    capitals = text != text.lower() and not text.istitle()
    named = any(unit.text in _NAMING for unit in units) or (bool(units) and units[0].entry.name)
    if not capitals and not named:
        return units
    result: list[Unit] = []
    for index, unit in enumerate(units):
        before = result[-1] if result else None
        capital = capitals and text[unit.start : unit.end].istitle()
        follows_name = before is not None and (before.text in _NAMING or (before.entry is _NAME and capital))
        following = units[index + 1] if index + 1 < len(units) else None
        if index == 0 and unit.entry.name and following is not None and following.text in _DOING:
            capital = True  # "bob in a red shirt"
        capital = capital and not _is_the_color(units[index + 1 : index + 4])
        if (follows_name and not unit.entry.roles) or (capital and unit.entry.name and _alone(before, following)):
            unit = replace(unit, entry=_NAME)
        result.append(unit)
    return result


def _is_the_color(behind: Sequence[Unit]) -> bool:
    """Whether "is the color of" follows a word, which is then no name: "Black is the color of her shirt"."""
    return [unit.text for unit in behind] in [["is", "the", "color of"], ["is", "the", "colour of"]]


def _alone(before: Unit | None, following: Unit | None) -> bool:
    """Whether neither an article or adjective stands before a word, nor something it could be said of behind it."""
    led = before is not None and (
        before.plays("determiner") or before.plays("possessive") or before.entry.modifies or before.entry.garment
    )
    entry = NOTHING if following is None else following.entry
    said_of = entry.garment or entry.person or entry.modifies or entry.pattern_noun or entry.body
    linked = following is not None and following.text in ("-", "and", "or", "&", "/")
    return not (led or said_of or linked)
