from pathlib import Path
from types import ModuleType

import pytest

from harness.core.errors import SpecError
from harness.search.study_function import check_study_function


def check(folder: Path, source: str) -> None:
    path, module = folder / "study.py", ModuleType("study_tiny")
    path.write_text(source)
    exec(compile(source, path, "exec"), vars(module))
    check_study_function(path, module)


@pytest.mark.parametrize(
    "source",
    [
        "def study(): ...",
        "def study(steps=3, *rest, **more): ...",
        "def base() -> 'Study': ...\ndef study(): return base()",  # it is used
        "def study_of(steps): ...\ndef study(): ...",  # nobody could call it
        "def helper(): ...\ndef study(): ...",
        "from json import loads as study_loads\ndef study(): ...",
        "class study: ...",
    ],
)
def test_a_file_with_one_study_is_fine(tmp_path: Path, source: str) -> None:
    check(tmp_path, source)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "-> Study`, found none"),
        ("study = 3", "found none"),
        ("def study2(): ...", r"found study2\(\); call it study"),
        ("def study(a, b=1, *, c): ...", "found that it needs a, c"),
        ("def study(): ...\ndef study_2(): ...", r"found study_2\(\) beside study\(\); give it a file of its own"),
        ("def study(): ...\ndef wide() -> 'Study': ...", r"found wide\(\) beside study\(\)"),
    ],
)
def test_what_nobody_would_run_is_refused(tmp_path: Path, source: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        check(tmp_path, source)
