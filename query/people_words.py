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
SEVERAL = frozenset({"two", "three", "four", "several", "some", "many"})
ANYBODY = frozenset({"suspect", "subject", "person", "individual", "someone", "somebody", "figure", "adult"})
