import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.benchmarks import growth
from harness.benchmarks._base import Figure
from harness.cli.main import app
from harness.core.errors import InputError


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = [Figure.below("growth (steps)", 0.25, 5)]
    monkeypatch.setattr(growth.GrowthBenchmark, "measure", lambda _self, *, quick: figures * (1 if quick else 2))


@pytest.mark.usefixtures("measured")
def test_figures_are_printed_and_written(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["bench", "growth", "--quick", "--json", str(tmp_path / "figures.json")])

    assert done.exit_code == 0
    assert "growth (steps)" in done.output
    assert json.loads((tmp_path / "figures.json").read_text())[0]["met"] is True


@pytest.mark.usefixtures("measured")
def test_a_report_is_saved_where_reports_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    CliRunner().invoke(app, ["bench", "growth", "--save"])

    assert (tmp_path / "reports" / "benchmarks" / "growth" / "README.md").is_file()


def test_a_benchmark_that_is_stopped_leaves_what_it_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def figures(_self: object, *, quick: bool) -> Iterator[Figure]:
        yield Figure("growth (steps)", 0.25 if quick else 0.5)
        raise KeyboardInterrupt

    monkeypatch.setattr(growth.GrowthBenchmark, "figures", figures)

    CliRunner().invoke(app, ["bench", "growth", "--quick", "--json", str(tmp_path / "figures.json")])

    assert json.loads((tmp_path / "figures.json").read_text())[0]["value"] == 0.25


def test_an_unknown_benchmark_is_named_with_those_there_are() -> None:
    done = CliRunner().invoke(app, ["bench", "grwth"])

    assert isinstance(done.exception, InputError)
    assert "Did you mean 'growth'?" in str(done.exception)
