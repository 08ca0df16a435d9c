"""Words of people, and of where they stand, that several rules ask for."""

SMALL = frozenset({"baby", "infant", "toddler", "newborn", "child", "kid"})
GROWN = frozenset(
    {"man", "woman", "lady", "guy", "gentleman", "adult", "mother", "father", "mom", "mum", "dad", "parent"}
)
PLAIN = frozenset(
    {"man", "woman", "lady", "guy", "gentleman", "boy", "girl", "male", "female", "chap", "fellow", "lad"}
)
SIDES = frozenset({"left", "right", "middle", "center", "centre", "front", "back", "rear"})
SIDE_OF = frozenset({"left of", "right of", "middle of", "front of", "back of", "end of", "edge of"})
DEFINITE = frozenset({"the", "this", "that", "these", "those"})
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
COUNTED = frozenset({*NUMBERS[1:], *map(str, range(2, 11)), "several", "many"})
SEVERAL = COUNTED | {"some"}
ANYBODY = frozenset({"suspect", "subject", "person", "individual", "someone", "somebody", "figure", "adult"})


def are_several(noun: str) -> bool:
    """Whether a person's noun names more than one."""
    return noun.endswith(("s", "men", "people", "children")) and not noun.endswith("ss") and noun != "mrs"
