import platform
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from harness.diagnosis.finding import Finding
from harness.diagnosis.software import EXTRAS, look_at_software

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


class About:
    """What an installed package says of itself."""

    def __init__(self, python: str, *requirements: str) -> None:
        self._python, self._requirements = python, requirements

    def __getitem__(self, name: str) -> str:
        assert name == "Requires-Python"
        return self._python

    def get_all(self, name: str) -> list[str]:
        assert name == "Requires-Dist"
        return list(self._requirements)


def found(monkeypatch: pytest.MonkeyPatch, *requirements: str, python: str = ">=3.11") -> dict[str, Finding]:
    monkeypatch.setattr("harness.diagnosis.software.metadata", lambda _: About(python, *requirements))
    return {one.subject: one for one in look_at_software()}


def test_every_extra_is_explained() -> None:
    assert EXTRAS.keys() == PROJECT["optional-dependencies"].keys()


def test_what_is_installed_is_named_with_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    said = found(monkeypatch, "pytest>=9", "hypothesis>=6; extra == 'ray'")

    assert said["pytest"].state == said["harness[ray]"].state == said["python"].state == "ok"
    assert said["pytest"].says == pytest.__version__
    assert said["harness[ray]"].says.startswith("hypothesis 6")


@pytest.mark.parametrize(
    ("requirement", "subject", "state", "remedy"),
    [
        ("no-such-thing>=2", "no-such-thing", "wrong", "pip install 'no-such-thing>=2'"),
        ("pytest<9", "pytest", "missing", "pip install 'pytest<9'"),
        (
            "no-such-thing[binary]>=2; extra == 'ray'",
            "harness[ray]",
            "missing",
            "pip install 'no-such-thing[binary]>=2'",
        ),
    ],
)
def test_what_is_missing_stands_beside_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, requirement: str, subject: str, state: str, remedy: str
) -> None:
    said = found(monkeypatch, requirement)[subject]

    assert (said.state, said.remedy) == (state, remedy)


def test_another_python_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    said = found(monkeypatch, python="<3")["python"]

    assert said.says.startswith(platform.python_version())
    assert (said.state, said.remedy) == ("wrong", "make a virtual environment of a Python <3")


def test_a_tool_that_is_not_there_is_named_with_what_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    said = found(monkeypatch)

    assert said["git"].remedy == "apt-get install git"
    assert said["C++ compiler"].says == "not installed: TrainingConfig(compile=True)"


def test_a_checkout_that_was_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_: str) -> None:
        raise PackageNotFoundError

    monkeypatch.setattr("harness.diagnosis.software.metadata", nothing)

    assert [one.remedy for one in look_at_software() if one.state == "missing"] == ["pip install ."]
