import pytest

from harness.core.spec import with_changes
from harness.growth import OldParameters
from harness.growth.freezing import UpToTap
from harness.staging.frozen import FrozenDigests, frozen_digests
from harness.staging.histories import SNAPSHOT_FILE, stage_folder
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.snapshot_format import SnapshotFile


def digests(runner: Runner, config: RunConfig) -> FrozenDigests:
    return frozen_digests(runner.store.root, runner.run(config).stages)


def test_what_is_frozen_has_the_same_digest_at_the_end(runner: Runner, digits_run: RunConfig) -> None:
    found = digests(runner, with_changes(digits_run, {"growths.0.freeze": OldParameters()}))

    assert found.before == found.after != ""


def test_a_bit_that_moved_shows(runner: Runner, digits_run: RunConfig) -> None:
    stages = runner.run(with_changes(digits_run, {"growths.0.freeze": OldParameters()})).stages
    file = stage_folder(runner.store.root, stages[-1]) / SNAPSHOT_FILE
    content = bytearray(file.read_bytes())
    content[_position_of_an_old_weight(bytes(content))] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)

    found = frozen_digests(runner.store.root, stages)

    assert found.before != found.after


def _position_of_an_old_weight(content: bytes) -> int:
    snapshot = SnapshotFile.parse(content)
    name = next(name for name in snapshot.tensors if name.startswith("model/0/"))
    return len(content) - len(snapshot.data) + int(snapshot.tensors[name]["data_offsets"][0])


@pytest.mark.parametrize("changes", [{}, {"growths.0.freeze": UpToTap(tap="hidden.0")}, {"growths": ()}])
def test_of_other_policies_nothing_is_known(runner: Runner, digits_run: RunConfig, changes: dict[str, object]) -> None:
    assert digests(runner, with_changes(digits_run, changes)) == FrozenDigests()


def test_of_snapshots_that_were_given_up_nothing_is_known(runner: Runner, digits_run: RunConfig) -> None:
    stages = runner.run(with_changes(digits_run, {"growths.0.freeze": OldParameters()})).stages
    (stage_folder(runner.store.root, stages[0]) / SNAPSHOT_FILE).unlink()

    assert frozen_digests(runner.store.root, stages) == FrozenDigests()
