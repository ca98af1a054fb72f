from pathlib import Path

import pytest

from harness.cli.studies import load_changed
from harness.core.errors import InputError


def test_a_study_is_loaded_as_it_was_asked_for(workplace: Path) -> None:
    study, file = load_changed(
        "tiny", fields=["training.batch_size=7", "device=cuda"], device="cpu", precision="bf16", other_name="other"
    )

    assert file.resolve() == workplace / "studies" / "tiny" / "study.py"
    assert (study.name, study.base.training.batch_size) == ("other", 7)
    assert (study.base.device, study.base.precision) == ("cpu", "bf16")


@pytest.mark.usefixtures("workplace")
def test_without_changes_it_is_as_it_was_written() -> None:
    study, _ = load_changed("tiny", fields=None, device=None, precision=None, other_name=None)

    assert (study.name, study.base.training.batch_size) == ("tiny", 64)


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize(("name", "fields"), [("nope", None), ("tiny", ["steps=0"])])
def test_what_does_not_fit_is_refused(name: str, fields: list[str] | None) -> None:
    with pytest.raises(InputError):
        load_changed(name, fields=fields, device=None, precision=None, other_name=None)
