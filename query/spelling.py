"""Spelling: what a misspelled word was meant to be."""

import re
from collections import Counter
from functools import cached_property

from rapidfuzz import process
from rapidfuzz.distance import OSA
from spellchecker import SpellChecker
from spellchecker.spellchecker import WordFrequency

from query.lexicon import Entry, Vocabulary, spellings

# Words of the grammar that are worth correcting too, because whose garment it is hangs on them.
_GRAMMAR_WORDS = frozenset(
    {
        "wearing",
        "carrying",
        "holding",
        "without",
        "woman",
        "dressed",
        "sleeve",
        "sleeves",
        "shoulder",
        "length",
        "colored",
        "button",
        "buttoned",
    }
)
_SHORTEST_TYPED = 4
_SHORTEST_MEANT = 5
_SHORTEST_BY_SOUND = 8
_COMMON_IN = 4  # phrases of the lexicon
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_KEYS_BESIDE = {key: row[max(at - 1, 0) : at] + row[at + 1 : at + 2] for row in _ROWS for at, key in enumerate(row)}


class Speller:
    """Finds the known word that was meant by a typed one.

    A word of five letters or more is found one edit away: a letter added, dropped or changed, or two neighbours
    swapped; in long words two edits are mended where the consonants sound the same ("raincote"). A word of three or
    four letters is found behind two swapped letters or a doubled one ("hatt"), a common one of four behind the key
    beside ("coar"). No word of an English dictionary is mended: "shake" is not "shako".
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.typos = vocabulary.typos
        self.plain = vocabulary.plain
        uses = Counter(word for phrase in vocabulary.entries for word in phrase.replace("-", " ").split())
        ways = {way: entry for phrase, entry in vocabulary.entries.items() for way in spellings(phrase)}
        known = [word for word, entry in ways.items() if _correctable(word, entry)]
        self.short = {word for word, entry in ways.items() if len(word) in (3, 4) and _said(entry)}
        self.common = {word for word in self.short if len(word) == 4 and uses[word] >= _COMMON_IN}
        self.sounds: dict[str, list[str]] = {}
        for word in known:
            self.sounds.setdefault(_sound(word), []).append(word)
        self.meant = sorted(known, key=lambda word: -uses[word])

    def correct(self, typed: str) -> str | None:
        """The word meant by `typed` (lower case, not itself known), or None where nothing is close or it is plain."""
        if typed in self.typos:
            return self.typos[typed]
        if typed in self.plain or not typed.isalpha():
            return None
        meant = self._meant(typed)
        return None if meant is not None and typed in self._english else meant

    @cached_property
    def _english(self) -> WordFrequency:
        """The words of an English dictionary, read once and where it is needed first."""
        return SpellChecker().word_frequency

    def _meant(self, typed: str) -> str | None:
        """The known word that is close to `typed`."""
        if len(typed) < _SHORTEST_MEANT and (slips := _slips(typed) & self.short or _mistyped(typed) & self.common):
            return min(slips)
        return self._closest(typed) if len(typed) >= _SHORTEST_TYPED else None

    def _closest(self, typed: str) -> str | None:
        """The long word one edit away: rather by a wrong key than by another letter, then the one in more phrases."""
        found = process.extract(typed, self.meant, scorer=OSA.distance, score_cutoff=1, limit=None)
        likely = _slips(typed) | _mistyped(typed)
        meant = min(found, key=lambda match: (match[0] not in likely, match[2]), default=None)
        return str(meant[0]) if meant else self._by_sound(typed)

    def _by_sound(self, typed: str) -> str | None:
        """The long word that sounds like it, two edits away."""
        alike = self.sounds.get(_sound(typed), []) if len(typed) >= _SHORTEST_BY_SOUND else []
        found = process.extractOne(typed, alike, scorer=OSA.distance, score_cutoff=2)
        return str(found[0]) if found else None


def _sound(word: str) -> str:
    """A word's consonants behind its first letter, alike where they sound alike."""
    heard = word[0] + re.sub(r"[aeiouwy]", "", word[1:])
    for written, spoken in (("ck", "k"), ("ph", "f"), ("c", "k"), ("z", "s")):
        heard = heard.replace(written, spoken)
    return re.sub(r"(.)\1+", r"\1", heard)


def _slips(typed: str) -> set[str]:
    """The words of which it is a slip: two letters swapped ("rde"), or one doubled ("hatt")."""
    pairs = range(len(typed) - 1)
    swapped = {typed[:at] + typed[at + 1] + typed[at] + typed[at + 2 :] for at in pairs}
    return swapped | {typed[:at] + typed[at + 1 :] for at in pairs if typed[at] == typed[at + 1]}


def _mistyped(typed: str) -> set[str]:
    """The words of which it is one with a wrong key, the one beside on its row ("coar")."""
    pressed = [(at, key) for at, letter in enumerate(typed) for key in _KEYS_BESIDE.get(letter, "")]
    return {typed[:at] + key + typed[at + 1 :] for at, key in pressed}


def _said(entry: Entry) -> bool:
    """Whether labels can express it."""
    return bool(entry.garment or entry.color or entry.pattern or entry.size or entry.sleeve or entry.length)


def _correctable(word: str, entry: Entry) -> bool:
    long_enough = re.fullmatch(rf"[a-z]{{{_SHORTEST_MEANT},}}", word) is not None
    return long_enough and (_said(entry) or word in _GRAMMAR_WORDS)
