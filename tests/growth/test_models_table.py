"""Every operation works on networks that others build, or is refused, as the page on them says."""

import re
from collections.abc import Iterable

import pytest

from tests.growth import models_table
from tests.growth.networks import NETWORKS

pytestmark = [
    # The libraries compute with what they call deprecated.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

ALWAYS = ("perceptron", "perceptron, weight norm", "residual net", "language model, tied")


def on_the_page(name: str) -> list[str]:
    """Return the cells of a network's row, with the refusals in words."""
    lines = models_table.PAGE.read_text("utf-8").splitlines()
    words = dict(line.split(". ", 1) for line in lines if line.partition(".")[0].isdigit())
    row = next(line for line in lines if line.startswith(f"| {name} | "))
    found = [cell.strip() for cell in row.split("|")[2:-1]]
    return without_numbers(f"refused: {words[cell[9:-1]]}" if cell.startswith("refused") else cell for cell in found)


def without_numbers(cells: Iterable[str]) -> list[str]:
    """Return `cells` without decimal fractions, which may differ in the last digit from machine to machine."""
    return [re.sub(r"\d+\.\d+ times", "some times", cell) for cell in cells]


@pytest.mark.parametrize("name", ALWAYS)
def test_operations_do_what_the_page_says(name: str) -> None:
    assert without_numbers(models_table.cells(name)) == on_the_page(name)


@pytest.mark.campaign
@pytest.mark.parametrize("name", sorted(NETWORKS.keys() - set(ALWAYS)))
def test_so_they_do_on_networks_of_libraries(name: str) -> None:
    pytest.importorskip("transformers")
    pytest.importorskip("peft")

    assert without_numbers(models_table.cells(name)) == on_the_page(name)


def test_the_page_lists_all_of_them_and_none_is_wrong() -> None:
    text = models_table.PAGE.read_text("utf-8")

    assert text.startswith(models_table.HEADING)
    assert [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| ")][1:] == [
        f"| {name}" for name in NETWORKS
    ]
    assert "WRONG" not in text
