import subprocess
import sys
from pathlib import Path

import pytest

import harness

ROOT = Path(harness.__file__).parents[1]


@pytest.mark.slow
def test_mypy_finds_nothing() -> None:
    # In a process of its own: with several workers, it checks while the others test.
    done = subprocess.run([sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
