import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from harness.core import instruction_sets
from harness.core.instruction_sets import PINS, is_pinned, pin, processor, unpin

LINES = (
    "processor : 0\nvendor_id : AuthenticAMD\nmodel name : EPYC: 9\nflags : fpu sse4_2 avx2 fma avx512f lm\nflags : x\n"
)


@pytest.fixture
def _not_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PINS:
        monkeypatch.delenv(name, raising=False)


def cpuinfo(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "cpuinfo").write_text(text)
    monkeypatch.setattr(instruction_sets, "CPUINFO", folder / "cpuinfo")
    monkeypatch.delitem(sys.modules, "torch", raising=False)


def test_the_processor_is_described_by_what_kernels_are_chosen_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpuinfo(tmp_path, LINES, monkeypatch)

    assert processor() == {
        "vendor": "AuthenticAMD",
        "model": "EPYC: 9",
        "instruction_sets": ["avx2", "avx512f", "fma", "sse4_2"],
    }


def test_a_system_that_says_nothing_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instruction_sets, "CPUINFO", tmp_path / "nothing")

    assert processor() == {"vendor": "unknown", "model": "unknown", "instruction_sets": []}


@pytest.mark.usefixtures("_not_pinned")
def test_pinning_sets_the_variables_of_all_three_libraries_and_is_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpuinfo(tmp_path, LINES, monkeypatch)

    assert pin()
    assert {name: os.environ[name] for name in PINS} == PINS
    unpin()
    assert not is_pinned()
    assert not PINS.keys() & os.environ.keys()


@pytest.mark.usefixtures("_not_pinned")
@pytest.mark.parametrize("flags", ["fpu sse4_2 avx", "asimd sve", "avx2"])
def test_a_processor_without_these_instruction_sets_is_not_pinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str
) -> None:
    cpuinfo(tmp_path, f"flags : {flags}\n", monkeypatch)

    assert not pin()
    assert not PINS.keys() & os.environ.keys()


@pytest.mark.usefixtures("_not_pinned")
def test_a_variable_that_is_set_stays_and_a_process_with_torch_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpuinfo(tmp_path, LINES, monkeypatch)
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")

    assert not pin()
    assert os.environ["MKL_CBWR"] == "COMPATIBLE"

    unpin()
    monkeypatch.setitem(sys.modules, "torch", sys)
    monkeypatch.delenv("MKL_CBWR")
    assert not pin()
    assert "MKL_CBWR" not in os.environ


TRAINED = """
import hashlib, torch
from torch import nn
torch.set_num_threads(1)
torch.manual_seed(0)
torch.use_deterministic_algorithms(True)
net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, foreach=True)
x, y = torch.randn(64, 64), torch.randint(10, (64,))
for _ in range(50):
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(x), y).backward()
    optimizer.step()
found = hashlib.sha256(b"".join(value.detach().numpy().tobytes() for value in net.parameters()))
print(torch.backends.cpu.get_cpu_capability(), found.hexdigest()[:12])
"""


@pytest.mark.skipif("avx2" not in processor()["instruction_sets"], reason="the processor has no AVX2")
@pytest.mark.skipif(processor()["vendor"] != "AuthenticAMD", reason="recorded on AMD")
def test_pinned_training_gives_the_bits_that_a_processor_without_avx_512_gave() -> None:
    if version("torch").partition("+")[0] != "2.13.0":
        pytest.skip("recorded with torch 2.13.0")

    done = subprocess.run(
        [sys.executable, "-c", TRAINED], env={**os.environ, **PINS}, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["AVX2", "bbdcd5445cb1"]
