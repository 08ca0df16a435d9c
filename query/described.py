"""Described search as a user meets it, from a sentence to a page of records with thumbnails, timed on a store.

`index.benchmark` runs this in a process of its own, so that what it takes of memory is seen.
"""

import gc
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from index.comparison import folder_bytes, milliseconds
from index.engines import resident_bytes
from index.person_index import PersonIndex
from query.language import QueryParser
from query.search import SearchConfig, Searcher, SearchResult, search_document

PAGE = 50
SENTENCES = (
    "red coat",
    "man with a long red coat",
    "woman in a blue dress",
    "dark coat and blue jeans",
    "person with brown hair, glasses and a white shirt",
    "someone in a green jacket without a hat",
    "yellow skirt",
    "striped shirt and dark trousers",
    "long dark hair, red top, short skirt",
    "a person in a gray hoodie, black pants and white sneakers",
    "blond hair and a pink shirt",
    "scarf and gloves",
    "no glasses, dark hair, brown boots",
    "floral dress",
    "hat and sunglasses",
    "purple coat, purple scarf, brown hat",
    "t-shirt with letters and shorts",
    "brown coat, dark pants, brown shoes, brown hair",
    "wearing a white blouse or a pink one, and a dark skirt",
    "blue or dark jeans",
    "maybe a red scarf, certainly a dark coat",
    "long socks and short skirt",
    "orange hair",
    "bald man with glasses in a dark suit",
    "not red shoes, blue pants",
    "checked shirt",
    "white shoes",
    "dark hair",
    "person in a dark coat in the evening",
    "red or orange shirt",
)


class DescribedSearch:
    """A store opened for sentences."""

    def __init__(self, home: Path, parser: QueryParser) -> None:
        self.index = PersonIndex.open(home)
        self.parser = parser
        self.searcher = Searcher(self.index, SearchConfig())
        self.searcher.store()

    def page(self, text: str) -> tuple[SearchResult, dict[str, Any]]:
        """The first fifty who fit, as the API gives them, each with the file of its thumbnail.

        Raises:
            NotUnderstoodError: nothing in the text can be asked.
        """
        found = self.parser.parse(text)
        assert found.tree is not None
        result = self.searcher.search(found.tree, limit=PAGE)
        people = self.searcher.people(result)
        document = search_document(result, people, [word for word, _, _ in found.not_understood])
        for shown, person in zip(document["matches"], people, strict=True):
            shown["thumbnail"] = str(self.index.thumbnails.person_path(person.image_id, person.person_id))
        return result, document


@dataclass(frozen=True)
class StoreFigures:
    """What a store takes and how it answers.

    Args:
        people: in the store.
        open_seconds: to open the database and the columns, which have been built, and to check their sums.
        milliseconds: of each page, sentence by sentence and round by round.
        facet_milliseconds: of the counts of each first page.
        memory: bytes resident after all searches, of which `shared` are pages of the mapped files.
        disk: bytes of the database and of the columns.
    """

    people: int
    open_seconds: float
    milliseconds: tuple[float, ...]
    facet_milliseconds: tuple[float, ...]
    memory: int
    shared: int
    disk: int


def measure_store(home: Path, *, rounds: int = 10) -> StoreFigures:
    """Open the store and ask every sentence `rounds` times, after once that does not count."""
    parser = QueryParser()
    start = time.perf_counter()
    opened = DescribedSearch(home, parser)
    open_seconds = time.perf_counter() - start
    results = [opened.page(text)[0] for text in SENTENCES]
    gc.freeze()  # as `app.server` does when it is ready
    pages = [milliseconds(partial(opened.page, text)) for _ in range(rounds) for text in SENTENCES]
    facets = [milliseconds(partial(opened.searcher.facets, result)) for result in results]
    memory, shared = resident_bytes()
    disk = folder_bytes(home)
    people = opened.searcher.store().count
    opened.index.close()
    return StoreFigures(people, open_seconds, tuple(pages), tuple(facets), memory, shared, disk)
