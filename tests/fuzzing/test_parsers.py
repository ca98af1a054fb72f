"""Damaged files, texts and databases are read or refused in a line: no traceback, no hang, no memory without end.

HARNESS_EXAMPLES says how many a campaign tries on each parser, a twentieth of them on slow ones, HARNESS_EXAMPLES_SEED
which.
"""

import functools
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import harness
from tests.figures import save_figures
from tests.fuzzing.parser import attempt, damaged
from tests.fuzzing.parsers import PARSERS

ROOT = Path(harness.__file__).parents[1]
EXAMPLES = int(os.environ.get("HARNESS_EXAMPLES", "5000"))
SEED = int(os.environ.get("HARNESS_EXAMPLES_SEED", "0"))
QUICK = [name for name, parser in PARSERS.items() if not parser.slow]
SLOW = [name for name, parser in PARSERS.items() if parser.slow]


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.campaign) for name in SLOW)])
def test_what_is_whole_is_read(name: str, tmp_path: Path) -> None:
    parser = PARSERS[name]

    for content in parser.samples(tmp_path):
        assert attempt(parser, content, tmp_path)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chance=st.randoms())
@pytest.mark.parametrize("name", QUICK)
def test_what_is_damaged_is_read_or_refused_in_a_line(name: str, chance: Random, tmp_path: Path) -> None:
    parser = PARSERS[name]

    attempt(parser, damaged(parser, samples(name, tmp_path), chance), tmp_path)


@functools.cache
def samples(name: str, folder: Path) -> Sequence[bytes]:
    """Return the same samples for every example: some have the time in them."""
    return PARSERS[name].samples(folder)


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.parametrize("name", PARSERS)
def test_thousands_of_damages_raise_hang_and_fill_nothing(name: str) -> None:
    examples = max(EXAMPLES // 20, 1) if PARSERS[name].slow else EXAMPLES
    command = [sys.executable, "-m", "tests.fuzzing.child", name, str(examples), str(SEED)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, f"ended with {done.returncode}: {done.stderr[-3000:]}"
    found = json.loads(done.stdout.splitlines()[-1])
    save_figures(f"fuzzing-{name.strip('-').replace(' ', '-')}", {**found, "seed": SEED})
    assert found["failed"] == {}, found["first"]
