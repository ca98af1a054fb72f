import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from harness.benchmarks.simulation import ARMS, SimulatedStudy
from harness.cli.main import app
from harness.core.errors import InputError
from harness.reporting.data import collect
from harness.reporting.data.study_data import StudyData
from harness.staging.ledger import StudyOrigin, StudyRecord
from harness.staging.study_spec import StudySpec

Call = Callable[..., subprocess.CompletedProcess[str]]


def begin(monkeypatch: pytest.MonkeyPatch, study: SimulatedStudy) -> None:
    """Let a simulated study named `pilot` be the only one there is."""
    arms: dict[str, dict[str, str]] = {arm: {} for arm in ARMS}
    spec = {"metric": "accuracy/0", "comparison": ARMS, "arms": arms, "smallest_effect": 0.005}
    runs = study.draw(np.random.default_rng(0))
    data = StudyData(
        StudyRecord("pilot", StudySpec(spec), study.configurations, study.seeds),
        runs,
        runs.iloc[:0],
        (),
        StudyOrigin("pilot"),
    )
    monkeypatch.setattr(collect, "collect", lambda *_: data)


def said(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["power", "pilot", *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_a_pilot_says_what_it_found_and_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    begin(monkeypatch, SimulatedStudy(8, 3))

    output = said()

    assert "Pilot: 8 configurations, 3 seeds each; unfrozen minus frozen in test accuracy" in output
    assert "To find 0.50 percentage points with a chance of 80%" in output
    assert "harness run pilot --trials " in output


def test_the_effect_and_the_chance_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    begin(monkeypatch, SimulatedStudy(8, 3))

    assert "To find 2.00 percentage points with a chance of 95%" in said("--effect", "0.02", "--power", "0.95")


def test_a_pilot_that_is_large_enough_needs_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    begin(monkeypatch, SimulatedStudy(30, 3))

    assert "The pilot is large enough already:  harness report pilot" in said("--effect", "0.1")


def test_an_effect_that_no_study_finds_is_said_to_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    begin(monkeypatch, SimulatedStudy(8, 3))

    output = said("--effect", "0.0000001")

    assert "> 10,000" in output
    assert "look for a larger effect" in output


def test_a_tiny_pilot_with_one_seed_says_what_it_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    begin(monkeypatch, SimulatedStudy(3, 1))

    output = said()

    assert "seed noise included" in output
    assert "The pilot itself" not in output


def test_two_configurations_are_no_pilot(first_run: tuple[Path, object]) -> None:
    arguments = ["power", "tiny", "--effect", "0.01", "--home", str(first_run[0] / "runs")]

    done = CliRunner().invoke(app, arguments)

    assert isinstance(done.exception, InputError)
    assert "found 2 in 'tiny'; run more with --trials" in str(done.exception)


def test_a_study_that_was_not_begun_is_one_line_and_2(call: Call) -> None:
    ended = call("power", "nope")

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
