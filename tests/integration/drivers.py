"""Drivers of campaigns: processes of their own, into which a library may be loaded before the C library."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import harness
from tests.cli.conftest import STUDY

__all__ = ["FIGURES", "LASTING", "SHORTER", "environment", "figures_of", "preloading", "write_study"]

ROOT = Path(harness.__file__).parents[1]
FIGURES = "figures: "  # before each line of them
# Two runs that go on for seconds, and whose first stages end soon.
LASTING = {"trials=2": "trials=1", "evaluate_every=20": "evaluate_every=250", "steps=40": "steps=2000"}
# The study with as few calls to the system as there can be: two runs, whose networks grow in a few steps.
SHORTER = {
    "trials=2": "trials=1",
    "evaluate_every=20": "evaluate_every=2",
    "steps=40": "steps=4",
    "step=20": "step=2",
    "low=10, high=30, step=10": "low=1, high=3, step=1",
}


def preloading(source: Path, folder: Path) -> dict[str, str]:
    """Compile a library; return the variable that has it loaded before the C library."""
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("no C compiler, or a system without /proc")
    library = folder / f"{source.stem}.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library)}


def environment() -> dict[str, str]:
    """Return the environment of a process of its own, with this package and none of the user's settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("HARNESS_", "MLFLOW_"))}
    return own | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def write_study(folder: Path, changes: Mapping[str, str]) -> Path:
    """Write the tiny study with these changes of its text into a folder; return the file."""
    study = STUDY
    for text, other in changes.items():
        assert text in study
        study = study.replace(text, other)
    (folder / "study.py").write_text(study)
    return folder / "study.py"


def figures_of(
    driver: str, cases: Sequence[Sequence[object]], folder: Path, *, library: str = "", changes: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Yield what a driver, a module beside this one, says of each case about a tiny study in `folder`, once it does.

    Args:
        driver: its name.
        cases: as it takes them.
        folder: where it runs.
        library: the file beside this one of what is loaded before the C library, if anything.
        changes: of the text of the tiny study.
    """
    preloaded = preloading(Path(__file__).parent / library, folder) if library else {}
    write_study(folder, changes)
    command = [sys.executable, "-m", f"{__package__}.{driver}", json.dumps(cases)]
    errors = folder / "errors.txt"
    with (
        errors.open("w") as stderr,
        subprocess.Popen(
            command, cwd=folder, env=environment() | preloaded, stdout=subprocess.PIPE, stderr=stderr, text=True
        ) as process,
    ):
        assert process.stdout
        for line in process.stdout:
            if line.startswith(FIGURES):
                yield json.loads(line.removeprefix(FIGURES))
    assert process.returncode == 0, errors.read_text()[-3000:]
