import os
import sys
from pathlib import Path

import pytest
import torch

from harness.core.errors import SpecError
from harness.search.load import load_study

STUDY = """
from harness.data import Digits
from harness.models import MLP
from harness.search.study import Study
from harness.staging.run import RunConfig

NAME = "loaded"

def study():
    base = RunConfig(task=Digits(classes={"all": tuple(range(10))}), model=MLP(inputs=64, widths=(4,)), steps=3)
    arms = {"slow": {"training.optimizer.lr": 0.001}, "fast": {"training.optimizer.lr": 0.01}}
    return Study(
        name=NAME, title="T", question="Q?", base=base, space={}, arms=arms, comparison=("fast", "slow")
    )
"""


def written(folder: Path, source: str) -> Path:
    path = folder / "study.py"
    path.write_text(source)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(SpecError) as refused:
        load_study(path)
    return str(refused.value)


def test_a_study_is_what_the_function_of_that_name_returns(tmp_path: Path) -> None:
    study = load_study(written(tmp_path, STUDY))

    assert study.name == "loaded"
    assert study.config({}, "fast", seed=2).training.optimizer.to_json()["lr"] == 0.01


@pytest.mark.parametrize("where", ["import torch\n{}\n", "import torch\ndef study():\n    {}\n    return made()\n"])
def test_a_file_that_sets_torchs_default_type_changes_nothing_of_the_process(tmp_path: Path, where: str) -> None:
    setting = where.format("torch.set_default_dtype(torch.float64)")
    source = STUDY.replace("def study()", "def made()") if "made" in where else STUDY
    before = torch.get_default_dtype()

    load_study(written(tmp_path, source + setting))

    assert torch.get_default_dtype() is before


def test_a_file_of_the_same_size_and_second_is_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = tmp_path / "study.py"
    found = []
    for title in ("One", "Two"):
        path.write_text(STUDY.replace('title="T"', f'title="{title}"'))
        os.utime(path, (1e9, 1e9))
        found.append(load_study(path).title)

    assert found == ["One", "Two"]


def test_a_file_is_read_anew_every_time(tmp_path: Path) -> None:
    path = written(tmp_path, STUDY)
    load_study(path)

    written(tmp_path, STUDY.replace('"loaded"', '"loaded-again"'))

    assert load_study(path).name == "loaded-again"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "function `study() -> Study`"),
        ("study = 3", "function `study() -> Study`"),
        ("def study():\n    return {}", "to return a Study, found dict"),
        ("def study():\n    pass", "to return a Study, found None; is there a `return`?"),
        ("import sys\nsys.exit(0)", "line 2: SystemExit: 0"),
        ("def study():\n    return study()", "RecursionError: maximum recursion depth exceeded"),
        ("import no_such_module", "line 1: ModuleNotFoundError: No module named 'no_such_module'"),
        ("\n\nprint(unknown)", "line 3: NameError: name 'unknown' is not defined"),
        ("def study():\n    x = 1\n    return x / 0", "line 3: ZeroDivisionError: division by zero"),
        ("def inner():\n    raise KeyError('a')\ndef study():\n    inner()", "line 2: KeyError: 'a'"),
        ("import json\ndef study():\n    json.loads('{')", "line 3: JSONDecodeError"),
        ("def study(base):\n    pass", "`study() -> Study`, found that it needs base"),
        (STUDY.replace("base=base", "base=base, arm=1"), "line 12: Study has no field 'arm'."),
        (STUDY.replace('("fast", "slow")', '("fast", "slo")'), "no arm 'slo'. Did you mean 'slow'"),
        (STUDY.replace("steps=3", "steps=0"), "line 10: RunConfig.steps: expected a number above 0, found 0"),
    ],
)
def test_a_file_without_a_study_is_refused_in_one_line_with_its_name(tmp_path: Path, source: str, message: str) -> None:
    path = written(tmp_path, source)

    said = refusal(path)

    assert message in said
    assert str(path) in said
    assert "\n" not in said


def test_a_syntax_error_is_refused_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, "x = 1\ndef study(:\n    pass")

    assert f"{path}, line 2: SyntaxError" in refusal(path)


def test_the_line_is_named_for_a_relative_path_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, "\n1 / 0")
    monkeypatch.chdir(tmp_path)

    assert "study.py, line 2: ZeroDivisionError" in refusal(Path("study.py"))


def test_a_spec_error_within_the_file_names_the_file(tmp_path: Path) -> None:
    source = "from harness.core.spec import parse_assignments\n\ndef study():\n    parse_assignments(['x'])"
    path = written(tmp_path, source)

    said = refusal(path)

    assert "expected PATH=VALUE, found 'x'" in said
    assert str(path) in said


def test_an_exception_of_several_lines_is_still_one_line(tmp_path: Path) -> None:
    path = written(tmp_path, "raise ValueError('one\\ntwo')")

    assert "\n" not in refusal(path)


def test_a_file_that_is_no_python_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text("# A study")

    said = refusal(path)

    assert "expected a Python file" in said
    assert str(path) in said
