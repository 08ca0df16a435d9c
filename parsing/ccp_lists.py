"""Our lists of what the main people of Clothing Co-Parsing wear (`ccp/LABELLING.md` says how they were made)."""

from pathlib import Path

CHARACTERISTICS_LIST = "characteristics.txt"  # of photographs with pixel labels
TAGGED_LIST = "characteristics_tagged.txt"  # of those that have tags and no pixel labels
OURS = Path(__file__).with_name("ccp")


def is_there(root: Path, listed: Path, number: str) -> bool:
    """Whether a photograph of a list is to be read: of our own list those alone that are in the folder."""
    return listed.parent == root or (root / "photos" / f"{number}.jpg").is_file()


def list_for(root: Path, name: str) -> Path:
    """The list in a CCP folder; ours where the folder, as it is published, has none."""
    own = root / name
    return own if own.is_file() else OURS / name
