import subprocess
from collections.abc import Callable
from pathlib import Path

Call = Callable[..., subprocess.CompletedProcess[str]]


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_dry_run_names_configurations_arms_seeds_and_stages_and_writes_nothing(call: Call, workplace: Path) -> None:
    before = sorted(workplace.rglob("*"))

    ended = call("run", "tiny", "--dry-run", "--seeds", "2", "--trials", "3")

    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("tiny: 12 of 12 runs would be done, in ")
    assert lines[1] == "arms frozen, unfrozen; seeds 0, 1, 1000, 1001, 2000, 2001"
    assert [line.partition(" = ")[0] for line in lines[2:5]] == ["trial 0: when", "trial 1: when", "trial 2: when"]
    assert lines[5].endswith("each run alone: 480. Nothing was written.")
    assert sorted(workplace.rglob("*")) == before


def test_a_dry_run_of_a_study_that_was_run_says_what_is_left(first_run: tuple[Path, object], call: Call) -> None:
    home = first_run[0] / "runs"
    before = files(home)

    ended = call("run", "tiny", "--dry-run", "--trials", "3", "--home", str(home))

    assert ended.returncode == 0
    assert ended.stdout.startswith("tiny: 2 of 6 runs would be done")
    assert ended.stdout.count("(2 of 2 runs have ended)") == 2
    assert files(home) == before


def test_a_dry_run_refuses_what_a_run_refuses(call: Call, workplace: Path) -> None:
    ended = call("run", "tiny", "--dry-run", "--set", "growths.0.operation.tap=nowhere")

    assert ended.returncode == 2
    assert not (workplace / "runs").exists()
