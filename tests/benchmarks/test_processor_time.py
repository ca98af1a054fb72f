import pytest

from harness.benchmarks.processor_time import command_cpu_s
from harness.core.errors import HarnessError


def test_a_command_takes_processor_time_of_its_own() -> None:
    assert 0.01 < command_cpu_s("--help") < 5


def test_a_command_that_fails_is_no_measurement() -> None:
    with pytest.raises(HarnessError, match=r"expected harness report .* to end well, found: .*no study"):
        command_cpu_s("report", "nowhere", "--home", "does-not-exist")
