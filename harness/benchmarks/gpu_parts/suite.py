"""The tests that need a GPU: how many pass."""

import importlib.util
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import torch

import harness
from harness.benchmarks._base import Figure
from harness.benchmarks.gpu_parts._base import Size

__all__ = ["measure"]

MARK = "mark.gpu"
RESULT = re.compile(r"^(\S+::.+?) (PASSED|FAILED|ERROR|SKIPPED)\b")
REASON = re.compile(r"^(?:FAILED|ERROR) (\S+.*?) - (.*)$")
WORST = 10  # failures that are listed with their reasons


def measure(device: torch.device, size: Size, tests: Path | None = None) -> Iterator[Figure]:
    """Yield how many tests passed and how many did not, then the first failures with their reasons."""
    folder = tests or Path(harness.__file__).parent.parent / "tests"
    files = [str(path) for path in sorted(folder.rglob("test_*.py")) if _is_marked(path)]
    if importlib.util.find_spec("pytest") is None:
        yield Figure.missing("gpu tests", "pytest is not installed; pip install pytest hypothesis")
    elif not files:
        yield Figure.missing("gpu tests", f"none in {folder}; run it in a checkout of the repository")
    else:
        yield from _counted(_lines(files, folder.parent, size.suite_s), device)


def _is_marked(file: Path) -> bool:
    """Return whether a file has tests that need a GPU, or may have them by fixtures of the folder that it lies in."""
    fixtures = file.with_name("conftest.py")
    return MARK in file.read_text() or (fixtures.is_file() and MARK in fixtures.read_text())


def _counted(lines: Iterator[str], device: torch.device) -> Iterator[Figure]:
    ended: dict[str, str] = {}
    reasons: dict[str, str] = {}
    said: list[str] = []
    for line in lines:
        said.append(line)
        if found := RESULT.match(line):
            ended[found[1]] = found[2]
        elif found := REASON.match(line):
            reasons[found[1]] = found[2]
    results = list(ended.values())
    failed = [name for name, result in ended.items() if result in ("FAILED", "ERROR")]
    yield Figure(f"gpu tests passed on {device}", results.count("PASSED"))
    yield Figure.at_most("gpu tests failed", len(failed), 0)
    yield Figure("gpu tests skipped", results.count("SKIPPED"))
    for name in failed[:WORST]:
        yield Figure.missing(name, reasons.get(name, "no reason was given before the time was up"))
    if not results or "time is up" in said[-1:]:
        yield Figure.missing("gpu tests, all of them", " ".join(said[-3:]) or "pytest said nothing")


def _lines(files: list[str], root: Path, limit_s: float) -> Iterator[str]:
    """Yield what pytest prints, until it ends or its time is up."""
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-v", "--tb=no", "-rfE", "-p", "no:cacheprovider", *files]
    command += ["-W", "default"]  # what a driver's libraries warn of says nothing of the project
    with (
        tempfile.TemporaryDirectory() as scratch,
        subprocess.Popen(
            [*command, "--basetemp", f"{scratch}/tests"],
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(limit_s, stop)
        timer.start()
        try:
            assert process.stdout is not None
            yield from (line.rstrip() for line in process.stdout)
        finally:
            timer.cancel()
            process.kill()
    if late.is_set():
        yield "time is up"
