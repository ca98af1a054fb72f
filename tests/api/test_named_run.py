from pathlib import Path

import pytest

from harness.api.named_run import named_run
from harness.core.errors import InputError
from harness.staging.ledger import Ledger, RunRecord, StudyRecord
from harness.staging.study_spec import StudySpec


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A ledger with two studies of one configuration each."""
    found = Ledger(tmp_path / "home")
    found.create()
    for study in ("wine-net", "wine"):
        found.save_study(StudyRecord(study, StudySpec({"name": study}), trials=1, seeds=1))
        for arm in ("frozen", "unfrozen"):
            run_id = f"{len(study)}{len(arm)}abcd"
            found.save_run(RunRecord(study, 0, arm, 0, run_id, {}, {}, "completed"))
    return found


@pytest.mark.parametrize("wanted", ["wine-net/0/frozen/0", "86abcd", "86"])
def test_a_run_is_found_by_its_place_its_id_and_the_beginning_of_that(ledger: Ledger, wanted: str) -> None:
    assert (named_run(ledger, wanted).study, named_run(ledger, wanted).arm) == ("wine-net", "frozen")


@pytest.mark.parametrize(
    ("wanted", "end"),
    [
        (
            "wine-net/0/unfrozn/0",
            "found 0 that 'wine-net/0/unfrozn/0' could mean. Did you mean 'wine-net/0/unfrozen/0'?",
        ),
        ("wine/0/frozn/0", "found 0 that 'wine/0/frozn/0' could mean. Did you mean 'wine/0/frozen/0'?"),
        ("zzzz", "found 0 that 'zzzz' could mean"),
        ("8", "found 2 that '8' could mean"),
    ],
)
def test_what_names_no_run_or_several_is_refused_with_the_likely_one(ledger: Ledger, wanted: str, end: str) -> None:
    with pytest.raises(InputError) as found:
        named_run(ledger, wanted)

    assert str(found.value).endswith(end)
