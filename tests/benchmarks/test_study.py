import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from harness.benchmarks import late_digits, plain_study, study
from harness.benchmarks.processor_time import Spent, spent_by
from harness.benchmarks.study import StudyBenchmark
from harness.core.errors import HarnessError
from harness.search.load import load_study


def test_ratios_are_ours_to_the_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = []

    def spent(command: Sequence[str]) -> Spent:
        commands.append(list(command))
        return Spent(30.0, 20.0) if "harness" in command else Spent(60.0, 50.0)

    monkeypatch.setattr(study, "spent_by", spent)

    figures = StudyBenchmark().measure(quick=False)

    ratios = {figure.figure: (figure.value, figure.met) for figure in figures if "/" in figure.figure}
    assert set(ratios.values()) == {(0.5, True), (0.4, True)}
    ours, script = commands[0::2], commands[1::2]
    assert ["--no-tracking" in command for command in ours] == [True, False, False]
    assert ["--tracked" in command for command in script] == [False, True, True]
    assert len(StudyBenchmark().measure(quick=True)) == 4


def test_the_script_runs_as_many_runs_as_the_study_and_shows_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain_study, "STEPS", 830)

    plain_study.search(tmp_path, 2, 1, tracked=False)

    rows = pd.read_csv(tmp_path / "rows-0.csv")
    assert sorted(zip(rows["trial"], rows["arm"], rows["seed"], strict=True)) == [
        *((0, arm, 0) for arm in plain_study.ARMS),
        *((1, arm, 1000) for arm in plain_study.ARMS),
    ]
    assert rows["accuracy/all"].between(0.6, 1).all()
    assert "points, 95 %" in plain_study.report(tmp_path)


def test_the_study_is_one_that_can_be_launched() -> None:
    loaded = load_study(Path(late_digits.__file__))

    assert (loaded.trials, loaded.seeds, loaded.base.steps) == (12, plain_study.SEEDS, plain_study.STEPS)


def test_the_time_of_a_process_that_outlives_its_command_counts() -> None:
    busy = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    command = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {busy!r}], start_new_session=True)"

    spent = spent_by([sys.executable, "-c", command])

    assert spent.processor_s > 0.3


def test_a_command_that_fails_is_named_with_what_it_said() -> None:
    with pytest.raises(HarnessError, match=r"expected .* to end well, found: no"):
        spent_by([sys.executable, "-c", "import sys; sys.exit('no')"])
