from collections.abc import Sequence

import pytest

from harness.benchmarks import study
from harness.benchmarks.processor_time import Spent
from harness.benchmarks.study import StudyBenchmark


def test_ratios_are_ours_to_the_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = []

    def spent(command: Sequence[str]) -> Spent:
        commands.append(list(command))
        return Spent(18.0, 14.0) if "harness" in command else Spent(60.0, 50.0)

    monkeypatch.setattr(study, "spent_by", spent)

    figures = StudyBenchmark().measure(quick=False)

    ratios = {figure.figure: (figure.value, figure.met) for figure in figures if "/" in figure.figure}
    assert set(ratios.values()) == {(0.3, True), (0.28, True)}
    ours, script = commands[0::2], commands[1::2]
    assert ["--no-tracking" in command for command in ours] == [True, False, False]
    assert ["--tracked" in command for command in script] == [False, True, True]
    assert len(StudyBenchmark().measure(quick=True)) == 4
