from pathlib import Path

import pytest
from importlinter.cli import lint_imports

import harness
from harness.core.loggers import loggers_kept

PYPROJECT = Path(harness.__file__).parents[1] / "pyproject.toml"


def test_every_import_contract_is_kept(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PYPROJECT.parent)

    with loggers_kept():  # the linter silences them all
        status = lint_imports(config_filename=str(PYPROJECT), no_cache=True, no_logo=True)

    assert status == 0, capsys.readouterr().out
