import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

Ended = subprocess.CompletedProcess[str]
Call = Callable[..., Ended]


def test_a_run_of_a_study_is_exported_by_its_name(first_run: tuple[Path, Ended], call: Call, workplace: Path) -> None:
    shutil.copytree(first_run[0] / "runs", workplace / "runs")

    ended = call("export", "tiny/0/frozen/0", "network", "--to", "safetensors")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "Model card: network/README.md\n"
    assert (workplace / "network" / "weights.safetensors").is_file()


def test_a_run_that_is_not_there_is_refused_in_a_line(call: Call) -> None:
    ended = call("export", "tiny/0/frozen/0", "network")

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert "expected a completed run; found 0 that 'tiny/0/frozen/0' could mean" in ended.stderr
