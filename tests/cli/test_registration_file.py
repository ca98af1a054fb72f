import json
import shutil
from pathlib import Path

import pytest

from harness.cli.register import register
from harness.cli.registration_file import note_of_other_points, points_of_file
from harness.core.errors import InputError
from harness.core.spec import with_changes
from harness.search.load import load_study
from harness.staging.ledger import Ledger
from harness.staging.registration import registration_of

STUDY = Path(__file__).parents[2] / "studies" / "digits-late-classes"
COMMAND = "harness register digits-late-classes"


def test_points_are_those_of_the_file_or_as_they_were_given(tmp_path: Path) -> None:
    points = json.loads((STUDY / "registration.json").read_bytes())["points"]

    assert points_of_file(str(STUDY / "registration.json")) == points
    assert points_of_file("ab" * 32) == "ab" * 32
    assert points_of_file("") == ""
    for content in (b"{}", b"[1]", b"\xff", b"[" * 100_000):
        (tmp_path / "other.json").write_bytes(content)
        with pytest.raises(InputError, match=r"expected a registration in .*other.json, as harness register writes it"):
            points_of_file(str(tmp_path / "other.json"))


def test_a_study_that_would_have_other_points_than_those_beside_it_is_told_apart(tmp_path: Path) -> None:
    folder = shutil.copytree(STUDY, tmp_path / "digits-late-classes")
    study, file, ledger = load_study(folder / "study.py"), folder / "study.py", Ledger(tmp_path / "home")
    registration = folder / "registration.json"

    note = note_of_other_points(study, file, ledger, COMMAND)
    others = [
        note_of_other_points(with_changes(study, changes), file, ledger, COMMAND)
        for changes in ({"name": "other"}, {"base.steps": 5000}, {"base.device": "cpu", "trials": 2})
    ]
    register(str(folder), device="cpu", home=tmp_path / "home", points=str(registration))
    afterwards = note_of_other_points(study, file, ledger, COMMAND)
    kept = registration_of(ledger.database, study.name)
    registration.unlink()

    assert (
        note == f"configurations are drawn anew; those of {registration} come from: {COMMAND} --points {registration}"
    )
    assert others == [None, None, note]
    assert afterwards is None
    assert kept
    assert kept.content["points"] == json.loads((STUDY / "registration.json").read_bytes())["points"]
    assert note_of_other_points(study, file, Ledger(tmp_path / "empty"), COMMAND) is None


@pytest.mark.postgres
def test_a_server_before_its_first_launch_knows_no_registration(tmp_path: Path, postgres: str) -> None:
    study, ledger = load_study(STUDY / "study.py"), Ledger(tmp_path, postgres)

    note = note_of_other_points(study, STUDY / "study.py", ledger, COMMAND)
    ledger.database.close()

    assert note
    assert "configurations are drawn anew" in note
