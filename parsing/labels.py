"""Labels of CCIHP: what the parser can say about a person, and the ids it says it with.

Id 0 is background in every task and 255 is ignored by every loss and metric. Reading label names loads no torch.
"""

from collections.abc import Mapping

IGNORE = 255

ATTRIBUTES = (
    "Hat", "Hair", "Glove", "Glasses", "UpperClothes", "Mask", "Coat", "Socks", "Pants", "Torso-skin",
    "Scarf", "Skirt", "Face", "L-arm", "R-arm", "L-leg", "R-leg", "L-shoe", "R-shoe",
)  # fmt: skip
SIZES = ("Short/small", "Long/large", "Undetermined", "Sparse/bald")
PATTERNS = ("Solid", "Geometrical", "Fancy", "Letters")
COLORS = (
    "Dark", "Medium", "Light", "Brown", "Red", "Pink", "Yellow", "Orange", "Green", "Blue", "Purple", "Multicolor",
)  # fmt: skip

TASKS = ("attribute", "size", "pattern", "color")
CHARACTERISTICS = ("size", "pattern", "color")
LABELS: Mapping[str, tuple[str, ...]] = {
    "attribute": ATTRIBUTES,
    "size": SIZES,
    "pattern": PATTERNS,
    "color": COLORS,
}

# Attributes that carry size, pattern and color; skin, face and limbs do not.
CHARACTERIZED = (
    "Hat", "Hair", "Glove", "Glasses", "UpperClothes", "Mask", "Coat", "Socks", "Pants", "Scarf", "Skirt",
    "L-shoe", "R-shoe",
)  # fmt: skip

# Left and right are the person's own; queries ask for the pair.
PAIRS: Mapping[str, tuple[str, str]] = {
    "Arms": ("L-arm", "R-arm"),
    "Legs": ("L-leg", "R-leg"),
    "Shoes": ("L-shoe", "R-shoe"),
}

# What a query can name: the attributes, with left/right joined. A slot is one of these on a person.
ATTRIBUTE_GROUPS = (
    "Hat", "Hair", "Glove", "Glasses", "UpperClothes", "Mask", "Coat", "Socks", "Pants", "Torso-skin",
    "Scarf", "Skirt", "Face", "Arms", "Legs", "Shoes",
)  # fmt: skip


def label_id(task: str, label: str) -> int:
    """Id of `label` in `task`, counted from 1.

    Raises:
        ValueError: the task has no such label; the message names those it has.
    """
    if label not in LABELS[task]:
        raise ValueError(f"{task} {label!r} is not a CCIHP label; expected one of {', '.join(LABELS[task])}")
    return LABELS[task].index(label) + 1


def num_classes(task: str) -> int:
    """Channels of the task's head: its labels and background."""
    return len(LABELS[task]) + 1


def members(group: str) -> tuple[str, ...]:
    """The attributes that a query's attribute group stands for: two for a pair, itself otherwise."""
    return PAIRS.get(group, (group,))


def group_of(attribute: str) -> str:
    """The attribute group that a CCIHP attribute belongs to."""
    return next((group for group, pair in PAIRS.items() if attribute in pair), attribute)
