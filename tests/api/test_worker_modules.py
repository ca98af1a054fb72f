import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest
from torch import nn

import harness
from harness.api.worker_modules import modules_for_workers
from harness.core.errors import InputError
from harness.models import MLP, AbstractModel
from harness.search.study import Study

ROOT = Path(harness.__file__).parents[1]
# A launch is a call from the module itself, or from a function that it calls.
SCRIPT = """
import sys
from harness.api.worker_modules import modules_for_workers
from harness.core.errors import InputError


def launch():
    try:
        print(modules_for_workers(STUDY, sys._getframe(0)))
    except InputError as error:
        print(error)


class Study:
    name = "tiny"


import harness.staging.own_code
harness.staging.own_code.own_modules = lambda study: []
STUDY = Study()
"""


class Own(AbstractModel):
    kind: Literal["own_of_test"] = "own_of_test"

    def build(self, outputs: int) -> nn.Module:
        return MLP(inputs=64, widths=(8,)).build(outputs)


def with_model(study: Study, model: AbstractModel) -> Study:
    return study.model_copy(update={"base": study.base.model_copy(update={"model": model})})


def test_a_study_of_this_package_needs_no_module(study: Study) -> None:
    assert modules_for_workers(study, None) == ()


def test_a_module_that_nobody_else_finds_is_refused(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Own, "__module__", "study_gone")

    with pytest.raises(InputError, match="'study_gone' of the study 'tiny' in no folder of sys"):
        modules_for_workers(with_model(study, Own()), None)


def test_a_module_that_can_be_imported_is_named(study: Study, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "own_models.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(Own, "__module__", "own_models")

    assert modules_for_workers(with_model(study, Own()), None) == ("own_models",)


def test_classes_of_a_notebook_are_refused(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Own, "__module__", "__main__")
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)

    with pytest.raises(InputError, match="found some of this notebook in the study 'tiny'"):
        modules_for_workers(with_model(study, Own()), None)


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("launch()\n", 'expected `if __name__ == "__main__":` around line '),
        ('if __name__ == "__main__":\n    launch()\n', "()"),
    ],
)
def test_a_script_that_would_launch_once_more_is_refused(tmp_path: Path, end: str, said: str) -> None:
    (tmp_path / "script.py").write_text(SCRIPT + end)

    ended = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert ended.stdout.startswith(said)
