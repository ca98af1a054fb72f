"""A whole study against the script that a user would write instead: processor time, wall time and disk."""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import final

from harness.benchmarks import late_digits
from harness.benchmarks._base import AbstractBenchmark, Figure
from harness.benchmarks.processor_time import Spent, spent_by

__all__ = ["StudyBenchmark"]

FULL, QUICK = (12, 3), (9, 2)  # configurations and seeds
UNTRACKED, UNTRACKED_QUICK, TRACKED, WALL, WALL_OF_TWO, DISK_MB = 0.35, 0.8, 0.4, 0.3, 0.5, 50.0


@final
class StudyBenchmark(AbstractBenchmark):
    """The same runs, steps, evaluations and measured points, from starting the command to a written report.

    `plain_study` trains every run from the beginning, as a script does. Here arms go on from the same state.
    """

    def measure(self, *, quick: bool) -> list[Figure]:
        """Return ratios, ours to the script's; quickly, of half the runs, untracked, where starting weighs more."""
        size = _Size(*(QUICK if quick else FULL))
        with tempfile.TemporaryDirectory() as folder:
            alone = _pair(size, Path(folder) / "untracked")
            if quick:
                return _untracked(alone, UNTRACKED_QUICK)
            shown = _pair(size, Path(folder) / "tracked", tracked=True)
            both = _pair(size, Path(folder) / "two", tracked=True, processes=2)
        return [
            *_untracked(alone, UNTRACKED),
            Figure.at_most("tracked: processor time, ours / script", shown.processor, TRACKED),
            Figure("tracked: processor time of ours (s)", shown.ours.processor_s),
            Figure("tracked: processor time of the script (s)", shown.script.processor_s),
            Figure.at_most("two workers, tracked: wall time, ours / script", both.wall, WALL_OF_TWO),
            Figure.at_most("tracked: the home on disk (MB)", shown.disk_mb, DISK_MB),
        ]


def _untracked(pair: "_Pair", limit: float) -> list[Figure]:
    return [
        Figure.at_most("untracked: processor time, ours / script", pair.processor, limit),
        Figure("untracked: processor time of ours (s)", pair.ours.processor_s),
        Figure("untracked: processor time of the script (s)", pair.script.processor_s),
        Figure.at_most("untracked, one process: wall time, ours / script", pair.wall, WALL),
    ]


@dataclass(frozen=True)
class _Size:
    """How many configurations and seeds a study has."""

    trials: int
    seeds: int


@dataclass(frozen=True)
class _Pair:
    """What both took for the same study."""

    ours: Spent
    script: Spent
    disk_mb: float

    @property
    def processor(self) -> float:
        return self.ours.processor_s / self.script.processor_s

    @property
    def wall(self) -> float:
        return self.ours.wall_s / self.script.wall_s


def _pair(size: _Size, folder: Path, *, tracked: bool = False, processes: int = 1) -> _Pair:
    ours = spent_by(_ours(size, folder / "ours", tracked=tracked, workers=processes))
    script = spent_by(_script(size, folder / "script", tracked=tracked, processes=processes))
    bytes_ = sum(path.stat().st_size for path in (folder / "ours").rglob("*") if path.is_file())
    return _Pair(ours, script, bytes_ / 1e6)


def _ours(size: _Size, home: Path, *, tracked: bool, workers: int) -> list[str]:
    command = [sys.executable, "-m", "harness", "run", str(Path(late_digits.__file__)), "--home", str(home)]
    command += ["--trials", str(size.trials), "--seeds", str(size.seeds)]
    return command + ([] if tracked else ["--no-tracking"]) + (["--workers", str(workers)] if workers > 1 else [])


def _script(size: _Size, home: Path, *, tracked: bool, processes: int) -> list[str]:
    command = [sys.executable, "-m", "harness.benchmarks.plain_study", "--home", str(home)]
    command += ["--trials", str(size.trials), "--seeds", str(size.seeds), "--processes", str(processes)]
    return command + (["--tracked"] if tracked else [])
