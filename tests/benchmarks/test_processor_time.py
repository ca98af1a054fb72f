import sys

import pytest

from harness.benchmarks.processor_time import command_cpu_s, spent_by
from harness.core.errors import HarnessError


def test_a_command_takes_processor_time_of_its_own() -> None:
    assert 0.01 < command_cpu_s("--help") < 5


def test_a_command_that_fails_is_no_measurement() -> None:
    with pytest.raises(HarnessError, match=r"expected harness report .* to end well, found: .*no study"):
        command_cpu_s("report", "nowhere", "--home", "does-not-exist")


def test_the_time_of_a_process_that_outlives_its_command_counts() -> None:
    busy = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    command = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {busy!r}], start_new_session=True)"

    spent = spent_by([sys.executable, "-c", command])

    assert spent.processor_s > 0.3


def test_a_command_that_fails_is_named_with_what_it_said() -> None:
    with pytest.raises(HarnessError, match=r"expected .* to end well, found: no"):
        spent_by([sys.executable, "-c", "import sys; sys.exit('no')"])
