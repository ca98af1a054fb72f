from pathlib import Path
from types import ModuleType

import pytest

from harness.search.load_fault import load_fault

PATH = Path("/elsewhere/study.py")


def said(source: str) -> str:
    module = ModuleType("study_tiny")
    try:
        exec(compile(source, PATH, "exec"), vars(module))
    except Exception as error:  # noqa: BLE001  # whatever the source raises
        return str(load_fault(PATH, module, error))
    raise AssertionError("expected an error")


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("\n\n1 / 0", "cannot load /elsewhere/study.py, line 3: ZeroDivisionError: division by zero"),
        (
            "import json\n\njson.loads('{')",
            "line 3: JSONDecodeError: Expecting property name enclosed in double quotes",
        ),
        ("steps = 3\nstep", "NameError: name 'step' is not defined. Did you mean 'steps'?"),
        ("zzz", "NameError: name 'zzz' is not defined"),
        ("from harness.core.digest import digests", "from 'harness.core.digest'"),
        ("from harness.core import digst", "cannot import name 'digst' from 'harness.core'"),
        ("from harness.models import Mlp", "cannot import name 'Mlp' from 'harness.models'. Did you mean 'MLP'?"),
        ("import harness.cor", "No module named 'harness.cor'. Did you mean 'harness.core'?"),
        ("import no_such_module", "No module named 'no_such_module'"),
        ("from harness.core.seeding import generator\nraise ValueError('a\\n  b')", "line 2: ValueError: a b"),
    ],
)
def test_line_reason_and_likely_name_are_on_one_line(source: str, line: str) -> None:
    found = said(source)

    assert line in found
    assert "\n" not in found
