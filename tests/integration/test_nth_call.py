"""Faults in the n-th call of a command to the system: writes, syncs, renames and the like, those of SQLite among them.

A campaign tries every call of every command; with HARNESS_CALLS_STRIDE=n only every n-th of them.
"""

import os
from pathlib import Path

import pytest

from tests.figures import save_figures
from tests.integration.drivers import SHORTER, figures_of
from tests.integration.nth_call.faults import FAULTS, Case
from tests.integration.nth_call.invariants import COMMANDS

DRIVER, SHIM = "nth_call.driver", "nth_call/shim.c"
STRIDE = int(os.environ.get("HARNESS_CALLS_STRIDE", "1"))
# Where something went wrong once: tables that are half made, a registration in the ledger alone, a full disk.
CHOSEN: list[Case] = [
    ("register", "kill", 40, 1, 1),
    ("register", "full", 100, 1, 1),
    ("run", "kill", 1000, 1, 1),
    ("run", "full", 700, 1, 1),
]


@pytest.mark.slow
def test_a_fault_in_a_chosen_call_loses_nothing_and_the_same_command_goes_on(tmp_path: Path) -> None:
    found = [*figures_of(DRIVER, CHOSEN, tmp_path, library=SHIM, changes=SHORTER)]

    assert [line for one in found for line in one["violations"]] == []
    assert [one["tried"] for one in found] == [most for *_, most in CHOSEN]


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_fault_in_any_call_loses_nothing_and_the_same_command_goes_on(tmp_path: Path, command: str) -> None:
    cases: list[Case] = [(command, fault, 1, STRIDE, 0) for fault in FAULTS]

    violations = list[str]()
    for found in figures_of(DRIVER, cases, tmp_path, library=SHIM, changes=SHORTER):
        save_figures(f"calls-{command}-{found['fault']}", {**found, "stride": STRIDE})
        violations += found["violations"]
        assert found["tried"]

    assert violations == []
