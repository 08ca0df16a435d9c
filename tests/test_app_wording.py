import pytest

from app.wording import describe_text
from query.language import QueryParser


@pytest.mark.parametrize(
    ("compact", "words"),
    [
        ("coat:red,long", "long red coat"),
        ("-hat", "no hat"),
        ("-coat:red", "no red coat"),
        ("pants:(blue|dark)", "blue or dark pants"),
        ("(coat|upperclothes):medium", "gray coat or top"),
        ("upperclothes:geometrical", "geometric top"),
        ("legs", "bare legs"),
        ("like:12", "looks like person 12"),
        ("coat:#a03020", "coat in #a03020"),
        ("hat or -(scarf glasses)", "hat or not (scarf, glasses)"),
        ("people:2..5", "2 to 5 people"),
        ("camera:gate", "camera gate"),
    ],
)
def test_a_term_is_described_in_words(compact: str, words: str) -> None:
    assert describe_text(compact) == words


@pytest.mark.parametrize("compact", ["like:12", "coat:like:12", "hat:red like:7"])
def test_an_example_in_words_is_read_back(compact: str) -> None:
    assert QueryParser().interpret(describe_text(compact)).query == compact
