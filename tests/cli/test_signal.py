from pathlib import Path

from typer.testing import CliRunner

from harness.cli.main import app
from harness.core.errors import StudyNotFoundError
from harness.staging.ledger import Ledger, StudyRecord
from harness.staging.signals import sent_signals
from harness.staging.study_spec import StudySpec


def test_a_signal_reaches_the_ledger(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.create()
    ledger.save_study(StudyRecord("a-study", StudySpec({"arms": {}}), 1, 1))

    done = CliRunner().invoke(app, ["signal", "a-study", "grow", "--run", "abc", "--home", str(tmp_path)])

    assert done.exit_code == 0
    assert sent_signals(ledger.database, "a-study", "abc") == {"grow"}
    assert sent_signals(ledger.database, "a-study", "def") == frozenset()


def test_a_study_that_was_not_begun_hears_nothing(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["signal", "a-study", "grow", "--home", str(tmp_path)])

    assert isinstance(done.exception, StudyNotFoundError)
    assert not list(tmp_path.iterdir())
