import ast
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

import harness as h
from harness.core.errors import InputError
from harness.search.study import Study
from harness.staging.ledger import Ledger, RunRecord

ROOT = Path(h.__file__).parents[1]
QUIET: Mapping[str, Any] = {"tracking": False, "progress": False}

pytestmark = pytest.mark.usefixtures("figures_undrawn")


class Journal(h.Observer):
    """Writes down what it is told of runs; raises what it was given at the first growth."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.told: list[tuple[str, int]] = []
        self._error = error

    def on_evaluation(self, name: str, step: int, metrics: Mapping[str, float]) -> None:
        assert "val/accuracy/all" in metrics
        self.told.append((f"{name.split(' · ')[1]} evaluated", step))

    def on_growth(self, name: str, step: int, metrics: Mapping[str, float]) -> None:
        assert metrics["growth/parameters_added"] > 0
        self.told.append((f"{name.split(' · ')[1]} grew", step))
        if self._error:
            raise self._error

    def on_run_end(self, record: RunRecord) -> None:
        self.told.append((f"{record.arm} ended", record.seed))


def test_a_study_of_python_runs_to_its_report_and_its_frames(study: Study, tmp_path: Path) -> None:
    journal = Journal()

    results = h.run(study, home=tmp_path, observer=journal, **QUIET)

    assert results.runs["status"].tolist() == ["completed", "completed"]
    assert set(results.curves["run_id"]) == set(results.runs["run_id"])
    assert results.difference("unfrozen", "frozen").pairs["trial"].tolist() == [0]
    assert (tmp_path / "reports" / "tiny" / "report.html").is_file()
    of_arm = [what for what in journal.told if what[0].startswith("unfrozen")]
    growth = int(results.runs["growth_step"].iloc[0])
    assert of_arm.index(("unfrozen grew", growth)) < of_arm.index(("unfrozen evaluated", 40))
    assert of_arm[-1] == ("unfrozen ended", 0)


def test_what_was_run_is_not_run_again_and_the_report_names_no_command_for_it(study: Study, tmp_path: Path) -> None:
    first = h.run(study, home=tmp_path, **QUIET)
    journal = Journal()

    again = h.run(study, home=tmp_path, observer=journal, **QUIET)

    assert journal.told == []
    assert again.runs.equals(first.runs)
    script = (tmp_path / "reports" / "tiny" / "reproduce.sh").read_text()
    assert "harness run" not in script
    assert "made by Python code" in script


@pytest.mark.campaign
def test_workers_train_classes_of_a_script_and_tell_what_one_process_tells(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)

    told = [
        subprocess.run(
            [sys.executable, "script.py", str(workers)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for workers in (1, 2)
    ]

    one, two = (ast.literal_eval(text) for text in told)
    assert one == two
    assert [len(part) for part in one] == [4, 4]


SCRIPT = """
import sys
from typing import Literal

import harness as h
from harness.data import Digits
from harness.growth import AtStep, AttachHead, GrowthRule, NoFreezing, OldParameters
from harness.models import AbstractModel
from harness.search.space import Int
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig
from torch import nn
from tests.undrawn import undraw


class Own(AbstractModel):
    kind: Literal["own"] = "own"

    def build(self, outputs: int) -> nn.Module:
        return nn.Sequential(nn.Linear(64, 8), nn.Tanh(), nn.Linear(8, outputs))


class Ends(h.Observer):
    def __init__(self):
        self.told = set()

    def on_growth(self, name, step, metrics):
        self.told.add((name, step, metrics["growth/parameters_added"]))


def study():
    growth = GrowthRule(
        trigger=AtStep(step=20), operation=AttachHead(name="late", outputs=4, tap="0"), freeze=NoFreezing()
    )
    return h.Study(
        name="own",
        title="t",
        question="q?",
        base=RunConfig(
            task=Digits(classes={"known": (0, 1, 2, 3, 4, 5), "late": (6, 7, 8, 9)}),
            model=Own(),
            training=TrainingConfig(evaluate_every=20),
            growths=(growth,),
            steps=40,
        ),
        space={"when": Int(field="growths.0.trigger.step", low=10, high=30, step=10)},
        arms={"frozen": {"growths.0.freeze": OldParameters()}, "unfrozen": {}},
        comparison=("unfrozen", "frozen"),
        trials=2,
        seeds=1,
    )


if __name__ == "__main__":
    undraw()
    ends = Ends()
    results = h.run(
        study(), home=sys.argv[1], workers=int(sys.argv[1]), observer=ends, tracking=False, progress=False
    )
    accuracies = results.runs[["trial", "arm", "test/accuracy/all"]].values.tolist()
    print([sorted(ends.told), accuracies])
"""


def test_an_error_of_an_observer_ends_the_launch_and_not_the_run(study: Study, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        h.run(study, home=tmp_path, observer=Journal(ZeroDivisionError()), **QUIET)

    assert "failed" not in {run.status for run in Ledger(tmp_path).runs("tiny")}
    assert len(h.run(study, home=tmp_path, **QUIET).runs) == 2


def test_torch_is_left_as_it_was(study: Study, tmp_path: Path) -> None:
    torch.set_num_threads(2)
    try:
        with pytest.raises(InputError):
            h.run(study, home=tmp_path, changes={"growths.0.operation.tap": "nowhere"}, **QUIET)

        assert (torch.get_num_threads(), torch.get_deterministic_debug_mode()) == (2, 0)
    finally:
        torch.set_num_threads(1)


@pytest.mark.parametrize("what", ["trials", "seeds", "workers"])
def test_numbers_below_one_are_refused_in_a_line(study: Study, tmp_path: Path, what: str) -> None:
    none: dict[str, Any] = {what: 0}

    with pytest.raises(InputError, match=f"{what}: expected at least 1, found 0"):
        h.run(study, home=tmp_path, **QUIET, **none)

    assert not list(tmp_path.iterdir())


def a_function() -> None:
    """Make no study."""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"trials": "3"}, "trials: expected a whole number, found '3'"),
        ({"workers": 1.5}, "workers: expected a whole number, found 1.5"),
        ({"seeds": True}, "seeds: expected a whole number, found True"),
        ({"timeout_s": 0}, "timeout_s: expected a number of seconds above 0, found 0"),
        ({"observer": Journal}, r"found the class Journal; make one: Journal\(\)"),
        ({"observer": "nobody"}, "expected one whose class derives from harness.Observer, found 'nobody'"),
        ({"tracker": "tensorbord"}, "tensorbord"),
        ({"study": a_function}, r"found the function a_function; call it: a_function\(\)"),
        ({"study": ["tiny"]}, r"expected a study, its name or its path, found \['tiny'\]"),
    ],
)
def test_arguments_of_other_kinds_are_refused_in_a_line_and_nothing_is_written(
    study: Study, tmp_path: Path, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        h.run(**{"study": study, "home": tmp_path / "home", **QUIET, **arguments})

    assert not (tmp_path / "home").exists()
