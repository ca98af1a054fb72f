"""Launches, workers and deliveries that are killed at random moments, and the studies that come out of it.

HARNESS_KILLS says how many kills there are for each kind of database and of processes, HARNESS_KILLS_SEED which.
"""

import os
from pathlib import Path

import pytest

from tests.figures import save_figures
from tests.integration.drivers import figures_of

KILLS = int(os.environ.get("HARNESS_KILLS", "75"))
SEED = int(os.environ.get("HARNESS_KILLS_SEED", "0"))
KINDS = [("file", False), ("file", True), ("server", False), ("server", True)]  # database, whether on workers
LONGER = {"steps=40": "steps=400", "evaluate_every=20": "evaluate_every=25", "low=10, high=30": "low=100, high=300"}


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.parametrize(("database", "on_workers"), KINDS)
def test_kills_lose_repeat_hang_and_change_nothing(tmp_path: Path, database: str, on_workers: bool) -> None:
    figures = [*figures_of("kills.driver", [(database, on_workers, KILLS, SEED)], tmp_path, changes=LONGER)]

    if not figures:
        pytest.skip("no PostgreSQL server binaries")
    (found,) = figures
    save_figures(f"kills-{database}-{'workers' if on_workers else 'one-process'}", found)
    assert found["violations"] == []
    assert (found["lost"], found["twice"], found["stuck"], found["unequal"]) == (0, 0, 0, 0)
    assert found["kills"] >= KILLS
