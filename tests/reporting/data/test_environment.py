import pytest

from harness.reporting.data import environment as module
from harness.reporting.data.environment import environment, environment_differences


def test_versions_are_there_and_nothing_private() -> None:
    found = environment()

    assert found["packages"]["torch"].startswith("2.")
    assert set(found) == {
        *("python", "implementation", "system", "machine", "processor", "harness", "code_sha256", "packages")
    }


def test_a_package_that_is_not_there_is_said_to_be_so() -> None:
    assert module._version("no-such-package-at-all") == "not installed"


def test_a_processor_without_a_model_name_is_still_something(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> str:
        raise OSError

    monkeypatch.setattr("pathlib.Path.read_text", refuse)

    assert module._processor()


def test_differences_name_package_and_both_versions() -> None:
    one = {"python": "3.11.1", "packages": {"numpy": "2.0", "scipy": "1.17"}}
    other = {"python": "3.11.1", "packages": {"numpy": "2.1"}}

    assert environment_differences(one, one) == []
    assert environment_differences(one, other) == ["numpy 2.0 and 2.1", "scipy 1.17 and unknown"]


def test_digests_are_cut_where_they_are_only_told_apart() -> None:
    one, other = {"code_sha256": "a" * 64}, {"code_sha256": "b" * 64}

    assert environment_differences(one, other) == ["code_sha256 aaaaaaaaaaaa and bbbbbbbbbbbb"]
