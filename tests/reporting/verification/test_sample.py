from collections import Counter

import pytest

from harness.reporting.verification.sample import choose_runs

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
