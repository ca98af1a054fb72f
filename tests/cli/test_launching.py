import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli.launching import launcher_of
from harness.core.errors import InputError
from harness.staging.database import Database

Call = Callable[..., subprocess.CompletedProcess[str]]
WITHOUT_RAY = """
import sys
sys.modules["ray"] = None
from harness.cli.main import main
sys.argv[0] = "harness"
main()
"""
RUN = ("run", "tiny", "--no-tracking")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--gpus-per-worker", "0.5"], "expected --launcher ray with --cpus-per-worker or --gpus-per-worker"),
        (["--launcher", "ray", "--gpus-per-worker", "1.5"], "expected a whole number or a fraction below 1"),
        (["--launcher", "ray", "--address", "10.0.0.1:6379"], "expected --storage postgresql://"),
        (["--launcher", "slurm"], "'slurm' is not one of"),
    ],
)
def test_what_cannot_be_started_is_one_line(call: Call, options: list[str], reason: str) -> None:
    ended = call(*RUN, *options)

    assert ended.returncode == 2
    assert reason in ended.stderr


def test_without_ray_installed_it_is_said_how_to_get_it(process: Call) -> None:
    ended = process("-c", WITHOUT_RAY, *RUN, "--launcher", "ray")

    assert ended.returncode == 2
    assert ended.stderr == "harness: expected ray to be installed for --launcher ray; pip install 'harness[ray]'\n"


@pytest.mark.parametrize("address", [None, "10.0.0.1:6379"])
def test_processes_need_no_launcher_whatever_the_environment_says(address: str | None) -> None:
    assert launcher_of("processes", address, None, None, Database(Path("ledger.sqlite"))) is None


def test_a_file_serves_a_ray_of_this_machine_and_a_server_any() -> None:
    file, server = Database(Path("ledger.sqlite")), Database("postgresql://host/name")

    assert launcher_of("ray", None, 0.5, 0.25, file)
    assert launcher_of("ray", "10.0.0.1:6379", None, 2.0, server)
    with pytest.raises(InputError, match="which serves one machine"):
        launcher_of("ray", "auto", None, None, file)
