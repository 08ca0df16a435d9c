"""Verbs that tell how far down something comes."""

_STEMS = ("fall", "reach", "hang", "end", "flow", "extend", "cover", "touch", "go", "com", "come", "stop", "hit")
REACHING = frozenset(
    {stem + ending for stem in _STEMS for ending in ("", "s", "es", "ing")}
    | {"ended", "reached", "touched", "hung", "cut", "kept", "stopping", "hitting", "goes down", "comes down"}
)
SWEEPING = frozenset({"sweeps", "brushes", "grazes", "skims"})
