"""Moments and places: what a sentence says of the image rather than of the person.

When it was taken, by which camera, in which gallery it lies, how many people it shows.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from query.people_words import NUMBERS
from query.tree import Camera, Captured, Daytime, Gallery, People, Query

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
# Hours at which the parts of a day begin and end.
_PARTS = {"morning": (6, 12), "afternoon": (12, 18), "evening": (18, 22), "night": (22, 6)}

_MONTH = "|".join(f"{month}|{month[:3]}" for month in _MONTHS if month != "may") + "|may"
_COUNT = r"\d{1,3}|" + "|".join(NUMBERS)
_CLOCK = r"(?:\d{1,2}(?::\d{2})?\s*(?:[ap]m\b|[ap]\.m\.?|o'clock)|\d{1,2}:\d{2}|noon|midnight|midday)"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_DATE = (
    r"(?:\d{4}-\d{2}-\d{2}|"
    rf"(?:{_MONTH})\.?\s+{_DAY}(?:,?\s+\d{{4}})?|"
    rf"{_DAY}\s+(?:of\s+)?(?:{_MONTH})(?:\s+\d{{4}})?)"
)
_UNIT = r"(?P<unit>minute|hour|day|week|month|year)"
_NAME = r'(?:"([^"]+)"|([\w][\w.-]*))'


@dataclass(frozen=True)
class ImagePhrase:
    """Words of the sentence, by their characters, and the term that they mean."""

    start: int
    end: int
    term: Query


def find_image_phrases(text: str, now: datetime) -> tuple[ImagePhrase, ...]:
    """What the sentence says of the image, in reading order; "yesterday" is the day before `now`."""
    found: list[ImagePhrase] = []
    if not _HINT.search(text):
        return ()
    for pattern, meaning in _RULES:
        for match in pattern.finditer(text):
            overlaps = any(match.start() < phrase.end and phrase.start < match.end() for phrase in found)
            if overlaps:
                continue
            try:
                term = meaning(match, now)
            except (ValueError, OverflowError):  # a day that no calendar has, fewer than no people
                continue
            if term is not None:
                found.append(ImagePhrase(match.start(), match.end(), term))
    return tuple(sorted(found, key=lambda phrase: phrase.start))


def _camera(match: re.Match[str], now: datetime) -> Query | None:
    return Camera(match.group(1) or match.group(2))


def _gallery(match: re.Match[str], now: datetime) -> Query | None:
    return Gallery(match.group(1) or match.group(2))


def _number(text: str) -> int:
    return NUMBERS.index(text.lower()) + 1 if text.lower() in NUMBERS else int(text)


def _people(match: re.Match[str], now: datetime) -> Query | None:
    bound, count = (match.group("bound") or "").lower(), _number(match.group("count"))
    if bound in ("at least", "minimum"):
        return People(count, None)
    if bound == "more than":
        return People(count + 1, None)
    if bound in ("at most", "up to", "maximum"):
        return People(None, count)
    if bound in ("fewer than", "less than"):
        return People(None, count - 1)
    return People(count, count)


def _clock(text: str) -> time | None:
    """The time of day written as "5 pm", "17:30" or "noon"."""
    text = text.lower().strip()
    if text in ("noon", "midday", "midnight"):
        return time(0 if text == "midnight" else 12)
    found = re.match(r"(\d{1,2})(?::(\d{2}))?\s*([ap])?", text)
    if found is None:
        return None
    hour, minute = int(found.group(1)), int(found.group(2) or 0)
    if found.group(3):
        hour = hour % 12 + (12 if found.group(3) == "p" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _before_or_after(match: re.Match[str], now: datetime) -> Query | None:
    moment = _clock(match.group("clock"))
    if moment is None:
        return None
    later = match.group("side").lower() in ("after", "since", "from", "later than")
    return Daytime(moment, None) if later else Daytime(None, moment)


def _between_hours(match: re.Match[str], now: datetime) -> Query | None:
    first, last = match.group("first"), match.group("last")
    if first.isdigit() and (half := re.search(r"[ap]\.?m", last.lower())):
        first += half.group()
    start, end = _clock(first), _clock(last)
    return None if start is None or end is None else Daytime(start, end)


def _at_hour(match: re.Match[str], now: datetime) -> Query | None:
    moment = _clock(match.group("clock"))
    if moment is None:
        return None
    around = datetime.combine(date(2000, 1, 2), moment)
    return Daytime((around - timedelta(minutes=30)).time(), (around + timedelta(minutes=30)).time())


def _read_date(text: str, now: datetime) -> date | None:
    """The day written as "2026-05-01", "May 1st" or "1 May 2026"; without a year the last one that has come."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        year, month, day = (int(part) for part in text.split("-"))
    else:
        numbers = [int(number) for number in re.findall(r"\d+", text)]
        name = re.search(_MONTH, text.lower())
        if name is None or not numbers:
            return None
        month = next(index for index, full in enumerate(_MONTHS, start=1) if full.startswith(name.group()[:3]))
        day, year = numbers[0], numbers[1] if len(numbers) > 1 else now.year
        if len(numbers) == 1 and (month, day) > (now.month, now.day):
            year -= 1
    return date(year, month, day)


def _days(first: date, count: int = 1) -> Captured:
    start = datetime.combine(first, time())
    return Captured(start, start + timedelta(days=count))


def _on_date(match: re.Match[str], now: datetime) -> Query | None:
    day = _read_date(match.group("date"), now)
    if day is None:
        return None
    side = (match.group("side") or "on").lower()
    if side in ("since", "after", "from"):
        return Captured(datetime.combine(day, time()) + timedelta(days=side == "after"), None)
    return Captured(None, datetime.combine(day, time())) if side == "before" else _days(day)


def _relative_day(match: re.Match[str], now: datetime) -> Query | None:
    text = re.sub(r"\s+", " ", match.group().lower())
    today = now.date()
    if text.startswith("last night"):
        return Captured(datetime.combine(today - timedelta(days=1), time(22)), datetime.combine(today, time(6)))
    if part := next((part for part in _PARTS if part in text), ""):
        day = today - timedelta(days="yesterday" in text)
        start, end = _PARTS[part] if part != "night" else (22, 24)
        return Captured(datetime.combine(day, time(start)), datetime.combine(day, time()) + timedelta(hours=end))
    if "day before" in text:
        return _days(today - timedelta(days=2))
    return _days(today - timedelta(days="yesterday" in text))


def _weekday(match: re.Match[str], now: datetime) -> Query | None:
    back = (now.weekday() - _DAYS.index(match.group("day").lower())) % 7
    return _days(now.date() - timedelta(days=back or 7))


def _span_back(match: re.Match[str], now: datetime) -> Query | None:
    count = _number(match.group("count")) if match.group("count") else 1
    unit = match.group("unit").lower()
    days = {"minute": 1 / 1440, "hour": 1 / 24, "day": 1, "week": 7, "month": 30, "year": 365}[unit]
    return Captured((now - timedelta(days=days * count)).replace(microsecond=0), None)


def _calendar_span(match: re.Match[str], now: datetime) -> Query | None:
    monday = now.date() - timedelta(days=now.weekday())
    back = match.group("which").lower() == "last"
    if match.group("unit").lower() == "week":
        return _days(monday - timedelta(days=7 * back), 7)
    first = now.date().replace(day=1)
    start = (first - timedelta(days=1)).replace(day=1) if back else first
    end = (start + timedelta(days=32)).replace(day=1)
    return _days(start, (end - start).days)


def _part_of_day(match: re.Match[str], now: datetime) -> Query | None:
    start, end = _PARTS[match.group("part").lower()]
    return Daytime(time(start), time(end))


_Meaning = Callable[[re.Match[str], datetime], Query | None]


def _rules() -> Iterator[tuple[re.Pattern[str], _Meaning]]:
    """Patterns with their meanings; an earlier one wins where two overlap."""
    people = r"(?:people|persons|pedestrians|individuals)"
    picture = r"\s+in\s+(?:the\s+)?(?:image|photo|picture|frame|scene)"
    counted = rf"(?P<count>{_COUNT})\s+{people}"
    bound = r"(?:(?P<bound>at least|at most|more than|fewer than|less than|up to|minimum|maximum)\s+)?"
    # "behind two people" speaks of others, not of how many the image shows.
    others = ("behind", "between", "of", "by", "near", "beside", "to", "watching", "with")
    alone = "".join(rf"(?<!{word} )" for word in others)
    rules: tuple[tuple[str, _Meaning], ...] = (
        (r"\b(?:(?:on|from|at|by|in)\s+)?(?:camera|cam)\s*(?:no\.?|number|#)?\s*(?:\"([^\"]+)\"|(\d[\w.-]*))", _camera),
        (rf"\b(?:in|from)\s+(?:the\s+)?gallery\s+{_NAME}", _gallery),
        (rf"{alone}\b{bound}{counted}(?:{picture})?\b", _people),
        (rf"\b(?:with|showing)\s+{bound}{counted}{picture}\b", _people),
        (rf"\b(?:(?:a\s+)?group|crowd)\s+of\s+{bound}{counted}\b", _people),
        (rf"\b(?P<side>on|since|after|before|from)?\s*\b(?P<date>{_DATE})", _on_date),
        (r"\bthe day before yesterday\b|\byesterday(?:\s+(?:morning|afternoon|evening|night))?\b", _relative_day),
        (r"\btoday\b|\btonight\b|\blast night\b|\bthis (?:morning|afternoon|evening)\b", _relative_day),
        (rf"\b(?:on|last)\s+(?P<day>{'|'.join(_DAYS)})\b", _weekday),
        (rf"\b(?:in|within|over|during)?\s*(?:the\s+)?(?:last|past)\s+(?P<count>{_COUNT})\s+{_UNIT}s?\b", _span_back),
        (rf"\b(?:in|within)?\s*the\s+(?:last|past)\s+(?P<count>){_UNIT}\b", _span_back),
        (r"\b(?P<which>this|last)\s+(?P<unit>week|month)\b", _calendar_span),
        (
            rf"\b(?:between|from)\s+(?P<first>{_CLOCK}|\d{{1,2}})\s+(?:and|to|until|-)\s+(?P<last>{_CLOCK})",
            _between_hours,
        ),
        (rf"\b(?P<side>after|before|since|until|from|later than)\s+(?P<clock>{_CLOCK})", _before_or_after),
        (rf"\b(?:at|around|about)\s+(?P<clock>{_CLOCK})", _at_hour),
        (r"\b(?:in the|during the|at)\s+(?P<part>morning|afternoon|evening|night)\b", _part_of_day),
    )
    for pattern, meaning in rules:
        yield re.compile(pattern, re.IGNORECASE), meaning


_RULES = tuple(_rules())
# Every rule needs one of these; most sentences have none, and need not be searched for each rule.
_HINT = re.compile(
    rf"\d|camera|cam\b|gallery|people|persons|pedestrians|individuals|day|night|morning|afternoon|evening|noon|"
    rf"hour|minute|week|month|year|{_MONTH}",
    re.IGNORECASE,
)
