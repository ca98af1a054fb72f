"""Every optimizer works or is refused, as the page on optimizers says."""

import pytest

from tests.growth.surgery import zoo

# The libraries make their own scripted functions, and compute with what they call deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

ROWS = dict.fromkeys(zoo.OPTIMIZERS, "") | {
    line.split(" | ")[0].removeprefix("| "): line for line in zoo.TABLE.read_text("utf-8").splitlines() if "| " in line
}
OFTEN_USED = (
    *(name for name in zoo.OPTIMIZERS if not name.startswith("pytorch_optimizer")),
    *(f"pytorch_optimizer {name}" for name in ("ADOPT", "AdEMAMix", "AdaBelief", "Adan", "Lamb", "Lookahead", "Muon")),
    *(f"pytorch_optimizer {name}" for name in ("Prodigy", "RAdam", "SAM", "SOAP", "ScheduleFreeAdamW", "Shampoo")),
)


@pytest.mark.parametrize("name", OFTEN_USED)
def test_it_does_what_the_page_says(name: str) -> None:
    assert zoo.row(name) == ROWS[name]


@pytest.mark.campaign
@pytest.mark.parametrize("name", sorted(zoo.OPTIMIZERS.keys() - set(OFTEN_USED)))
def test_so_do_those_that_are_used_less(name: str) -> None:
    assert zoo.row(name) == ROWS[name]


def test_the_page_lists_all_of_them_and_none_does_wrong() -> None:
    text = zoo.TABLE.read_text("utf-8")

    assert text.startswith(zoo.HEADING)
    assert [line.split(" | ")[0] for line in text.removeprefix(zoo.HEADING).splitlines()] == [
        f"| {name}" for name in zoo.OPTIMIZERS
    ]
    assert "WRONG" not in text
