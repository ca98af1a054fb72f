import subprocess
import sys
from pathlib import Path

RUN = Path(__file__).with_name("run.py")


def test_every_fault_can_be_planted_and_its_tests_exist() -> None:
    done = subprocess.run([sys.executable, RUN, "--check"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
