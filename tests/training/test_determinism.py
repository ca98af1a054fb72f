import os
import subprocess
import sys

PROGRAM = """
from harness.training.determinism import make_deterministic
make_deterministic()
import sys
import torch
print(torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark)
print(torch.is_deterministic_algorithms_warn_only_enabled(), "torch._inductor.config" in sys.modules)
from torch._inductor import config
print(config.deterministic)
"""


def test_one_thread_and_deterministic_kernels_without_loading_the_compiler() -> None:
    # In a process of its own: the settings are those of a whole process.
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}

    printed = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, check=True)

    assert printed.stdout.split() == [b"1", b"True", b"False", b"False", b"False", b"True"]
