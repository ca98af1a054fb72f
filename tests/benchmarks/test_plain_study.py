from pathlib import Path

import pandas as pd
import pytest

from harness.benchmarks import plain_study


def test_the_script_runs_as_many_runs_as_the_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_study, "STEPS", 830)

    plain_study.search(tmp_path, 2, 1, tracked=False)

    rows = pd.read_csv(tmp_path / "rows-0.csv")
    assert sorted(zip(rows["trial"], rows["arm"], rows["seed"], strict=True)) == [
        *((0, arm, 0) for arm in plain_study.ARMS),
        *((1, arm, 1000) for arm in plain_study.ARMS),
    ]
    assert rows["accuracy/all"].between(0.6, 1).all()
    assert "points, 95 %" in plain_study.report(tmp_path)
