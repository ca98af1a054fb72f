import locale
import os
import signal
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.core.errors import ContractError
from harness.training.denormals import are_denormals_flushed
from harness.training.process_settings import ProcessSettings, process_settings_kept

Change = Callable[[Path], object]

CHANGES: dict[str, Change] = {
    "torch's default type as it is, torch.float32, found torch.float64": lambda _: torch.set_default_dtype(
        torch.float64
    ),
    "torch's default device as it is, cpu, found meta": lambda _: torch.set_default_device("meta"),
    "whether torch computes gradients as it is, True, found False": lambda _: torch.set_grad_enabled(False),
    "how exact torch's products are": lambda _: torch.set_float32_matmul_precision("medium"),
    "torch's number of threads": lambda _: torch.set_num_threads(torch.get_num_threads() + 1),
    "torch's deterministic mode": lambda _: torch.set_deterministic_debug_mode(1),
    "whether the smallest numbers are computed as zero as it is, False, found True": lambda _: torch.set_flush_denormal(
        True
    ),
    "numpy's treatment of errors": lambda _: np.seterr(all="raise"),
    "the working folder": os.chdir,
    "who may read new files, the umask": lambda _: os.umask(0o777),
    "how deep calls may go as it is, 1000, found 900": lambda _: sys.setrecursionlimit(900),
    "the locale": lambda _: locale.setlocale(
        locale.LC_ALL, "C" if locale.setlocale(locale.LC_ALL) != "C" else "C.UTF-8"
    ),
    "standard output": lambda _: setattr(sys, "stdout", StringIO()),
    "standard error": lambda _: setattr(sys, "stderr", StringIO()),
}


def umask() -> int:
    found = os.umask(0)
    os.umask(found)
    return found


def state() -> list[object]:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    streams = [sys.stdout, sys.stderr, locale.setlocale(locale.LC_ALL), str(Path.cwd()), np.geterr()]
    threads = [torch.get_num_threads(), torch.get_deterministic_debug_mode(), torch.is_grad_enabled()]
    return [
        *handlers,
        *streams,
        *threads,
        torch.get_float32_matmul_precision(),
        torch.zeros(1).dtype,
        torch.zeros(1).device,
        are_denormals_flushed(),
        umask(),
        sys.getrecursionlimit() < 1000,
    ]


def test_what_is_set_inside_does_not_outlive_the_block(tmp_path: Path) -> None:
    before = state()

    with process_settings_kept():
        for change in CHANGES.values():
            change(tmp_path)
        signal.signal(signal.SIGINT, lambda *_: None)  # which may be ignored before
        signal.signal(signal.SIGTERM, lambda *_: None)
        assert len([one for one, other in zip(before, state(), strict=True) if one != other]) == len(before)

    assert state() == before
    assert torch._GLOBAL_DEVICE_CONTEXT.device_context is None  # or torch would be slower from now on


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_put_back_and_named(tmp_path: Path, what: str) -> None:
    settings, before = ProcessSettings(), state()
    settings.expect()

    CHANGES[what](tmp_path)

    with pytest.raises(ContractError, match=f"expected the study's code to leave {what}"):
        settings.expect()
    assert state() == before
