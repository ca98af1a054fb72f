import hashlib
import json
from pathlib import Path

import pytest

from harness.cli.register import register
from harness.core.errors import InputError
from harness.staging.ledger import Ledger
from harness.staging.registration import registration_of

STUDY = str(Path(__file__).parents[2] / "studies" / "digits-late-classes")


def test_a_study_is_registered_in_a_file_and_in_the_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    register(STUDY, trials=2, seeds=1, device="cpu", home=tmp_path)

    file = tmp_path / "registrations" / "digits-late-classes.json"
    content, ledger = json.loads(file.read_bytes()), Ledger(tmp_path)
    kept = registration_of(ledger.database, "digits-late-classes")
    assert kept
    assert content == kept.content
    assert (content["trials"], content["seeds"], len(content["points"])) == (2, 1, 64)
    assert content["study_file_sha256"] == hashlib.sha256(Path(STUDY, "study.py").read_bytes()).hexdigest()
    assert {"code_sha256", "commit", "harness", "runs_sha256", "torch"} <= set(content)
    assert f"{file}: SHA-256 {hashlib.sha256(file.read_bytes()).hexdigest()}" in capsys.readouterr().out
    (study,) = ledger.studies()
    assert (study.trials, study.seeds, study.spec.points) == (2, 1, content["points"])

    for again in (None, tmp_path / "again.json"):
        with pytest.raises(
            InputError, match=r"found that 'digits-late-classes' was registered in .*; harness run digits"
        ):
            register(STUDY, home=tmp_path, out=again)
    assert not (tmp_path / "again.json").exists()

    file.unlink()  # as if the process had been killed before it wrote it
    register(STUDY, trials=2, seeds=1, device="cpu", home=tmp_path)
    assert json.loads(file.read_bytes()) == kept.content
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    register(STUDY, trials=2, seeds=1, device="cpu", home=tmp_path)  # nothing was left to do
    assert registration_of(ledger.database, "digits-late-classes") == kept
