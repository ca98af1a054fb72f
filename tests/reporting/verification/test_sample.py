from collections import Counter

import pytest

from harness.core.errors import InputError
from harness.reporting.verification.sample import choose_runs, named_run

ARMS = ("frozen", "unfrozen", "partly")


def runs() -> list[tuple[str, str]]:
    return [(arm, f"{arm}-{number}") for arm in ARMS for number in range(10)]


@pytest.mark.parametrize("amount", [1, 2, 3, 4, 7, 30])
def test_every_arm_has_its_share(amount: int) -> None:
    chosen = choose_runs(runs(), b"manifest", "nonce", amount)

    arms = Counter(run.split("-")[0] for run in chosen)
    assert len(set(chosen)) == amount
    assert max(arms.values()) - min(arms.get(arm, 0) for arm in ARMS) <= 1


def test_the_same_nonce_chooses_the_same_runs_whatever_their_order() -> None:
    assert choose_runs(runs(), b"m", "n", 5) == choose_runs(runs()[::-1], b"m", "n", 5)


def test_another_nonce_or_report_chooses_others() -> None:
    chosen = {tuple(choose_runs(runs(), manifest, nonce, 5)) for manifest in (b"a", b"b") for nonce in ("1", "2", "3")}

    assert len(chosen) == 6


def test_every_run_is_chosen_about_equally_often() -> None:
    times = Counter(run for nonce in range(2000) for run in choose_runs(runs(), b"m", str(nonce), 3))

    assert len(times) == 30
    assert 130 < min(times.values()) <= max(times.values()) < 280


def test_there_are_no_more_than_there_are() -> None:
    assert len(choose_runs(runs(), b"m", "n", 99)) == 30
    assert choose_runs([], b"m", "n", 3) == []


ENDED = [
    {"trial": 3, "arm": "trunk frozen", "seed": 3000, "run_id": "2ad05d7b8cc8"},
    {"trial": 3, "arm": "unfrozen", "seed": 3000, "run_id": "2ae532027ea2"},
    {"trial": 4, "arm": "unfrozen", "seed": 3000, "run_id": "2ae532027ea2"},  # one run that stands in two places
]


@pytest.mark.parametrize("wanted", ["3/trunk frozen/3000", "2ad05d7b8cc8", "2ad"])
def test_a_run_is_named_by_its_place_or_the_beginning_of_its_id(wanted: str) -> None:
    assert named_run(ENDED, wanted) == "2ad05d7b8cc8"


def test_a_run_that_stands_in_two_places_is_one() -> None:
    assert named_run(ENDED, "2ae") == named_run(ENDED, "3/unfrozen/3000") == "2ae532027ea2"


@pytest.mark.parametrize(("wanted", "found"), [("2a", 2), ("9/unfrozen/0", 0)])
def test_a_name_of_none_or_several_is_refused_with_an_example(wanted: str, found: int) -> None:
    with pytest.raises(InputError, match=f"3/trunk frozen/3000 or 2ad05d7b8cc8; found {found} that '{wanted}'"):
        named_run(ENDED, wanted)
