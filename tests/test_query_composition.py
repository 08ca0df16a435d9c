"""What two garments say apart they say together, whichever words join them; and other people's stay theirs."""

import random
from collections import Counter
from itertools import permutations

import pytest

from query.language import QueryParser

WORN = (
    "a red shirt with short sleeves",
    "a white blouse with long sleeves",
    "a grey hoodie with a logo",
    "a shirt with a floral print",
    "a blue and white striped shirt",
    "a red, white and blue jersey",
    "a tank top with a picture of a cat on it",
    "a black t-shirt that says STAFF",
    "a top in navy blue",
    "a long brown coat",
    "a coat that reaches the knees",
    "a jacket with white stripes",
    "a burgundy blazer over a white shirt",
    "light blue denim jacket",
    "blue jeans",
    "khaki shorts",
    "beige cargo pants rolled up to the knee",
    "a short pleated skirt",
    "a navy suit",
    "white sneakers",
    "shoes with yellow laces",
    "black boots",
    "a straw hat",
    "a hat with a wide brim",
    "no hat",
    "round glasses",
    "a purple tie with yellow stripes",
    "long black hair",
    "white socks",
    "a pair of blue gloves",
    "trousers that are grey",
    "a blouse whose collar is white",
    "a coat of a dark color",
    "a cardigan (beige)",
    "mirrored aviators",
)
BOTH = (
    "He has {0} and {1}.",
    "He has {0} as well as {1}.",
    "{0}, {1}",
    "A man in {0} and {1} sits on a bench.",
    "The woman wears {0}. She also has {1}.",
    "The guy who has {0} and is also wearing {1} is waiting.",
    "There is a person in {0}; the person has {1} too.",
    "The man has on {0}, {1} and carries a bag.",
)
FIRST = (
    "A man in {0} next to a woman in {1}.",
    "A boy with {0} stands behind a girl with {1}.",
    "She is dressed in {0}, while her friend wears {1}.",
    "A lady holding a child in {1} wears {0}.",
)


@pytest.fixture(scope="module")
def parser() -> QueryParser:
    return QueryParser()


def clauses(parser: QueryParser, text: str) -> Counter[str]:
    return Counter(map(repr, parser.interpret(text).clauses))


@pytest.mark.parametrize(("sentence", "shared"), [(text, True) for text in BOTH] + [(text, False) for text in FIRST])
def test_garments_say_together_what_they_say_apart(parser: QueryParser, sentence: str, shared: bool) -> None:
    for first, second in random.Random(sentence).sample(list(permutations(WORN, 2)), 150):
        expected = clauses(parser, f"He has {first}.")
        assert expected, first
        expected += clauses(parser, f"He has {second}.") if shared else Counter()
        text = sentence.format(first, second)
        assert clauses(parser, text) == expected, text
