from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from harness.benchmarks.gpu_parts import suite
from harness.benchmarks.gpu_parts._base import Size

CPU = torch.device("cpu")
SAID = """tests/a.py::test_one[cuda] PASSED   [ 25%]
tests/a.py::test_two[fp16 now] FAILED   [ 50%]
tests/a.py::test_three SKIPPED (no CUDA device) [ 75%]
tests/a.py::test_four ERROR [100%]
FAILED tests/a.py::test_two[fp16 now] - RuntimeError: no deterministic implementation
=== 2 failed"""


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    """A folder with a file that has the mark."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text("import pytest\n\n@pytest.mark.gpu\ndef test_it(): pass\n")
    return tmp_path / "tests"


def said(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def lines(*_: object) -> Iterator[str]:
        yield from text.splitlines()

    monkeypatch.setattr(suite, "_lines", lines)


def test_tests_are_counted_and_failures_have_their_reasons(tests: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said(SAID, monkeypatch)

    figures = list(suite.measure(CPU, Size(), tests))

    assert [(figure.figure, figure.value) for figure in figures[:3]] == [
        ("gpu tests passed on cpu", 1),
        ("gpu tests failed", 2),
        ("gpu tests skipped", 1),
    ]
    assert [(figure.figure, figure.note) for figure in figures[3:]] == [
        ("tests/a.py::test_two[fp16 now]", "RuntimeError: no deterministic implementation"),
        ("tests/a.py::test_four", "no reason was given before the time was up"),
    ]


@pytest.mark.parametrize("text", ["ImportError while loading conftest", SAID + "\ntime is up", ""])
def test_tests_that_did_not_end_are_said_to_be_missing(tests: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    said(text, monkeypatch)

    *_, last = suite.measure(CPU, Size(), tests)

    assert last.figure == "gpu tests, all of them"
    assert last.note


def test_without_tests_it_says_where_it_looked(tmp_path: Path) -> None:
    (missing,) = suite.measure(CPU, Size(), tmp_path)

    assert str(tmp_path) in missing.note


def test_files_are_chosen_that_have_the_mark_or_fixtures_with_it(tests: Path) -> None:
    (tests / "test_plain.py").write_text("def test_it(): pass\n")
    (tests / "device").mkdir()
    (tests / "device" / "conftest.py").write_text("PARAMETERS = [pytest.mark.gpu]\n")
    (tests / "device" / "test_b.py").write_text("def test_it(device): pass\n")

    chosen = [path.name for path in sorted(tests.rglob("test_*.py")) if suite._is_marked(path)]

    assert chosen == ["test_b.py", "test_a.py"]


def test_pytest_is_called_on_marked_files_until_its_time_is_up(tests: Path) -> None:
    lines = list(suite._lines([str(tests / "test_a.py")], tests.parent, 0.05))

    assert lines[-1] == "time is up"
