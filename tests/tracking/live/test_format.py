import math
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.core.history import History
from harness.staging.ledger import RunRecord
from harness.tracking.live.format import decode_part, decode_start, encode_part, encode_start, live_files, live_folder

USAGE = {"memory_bytes": 1e6, "processor_s": 0.5}


def test_a_start_is_read_as_it_was_written(make_run: Callable[..., RunRecord]) -> None:
    run = make_run(status="running", growths=(), metrics={}, commit="abc")

    start = decode_start(encode_start(run, USAGE))

    assert (start.record, start.usage) == (run, USAGE)
    assert start.began > 1.7e9


@pytest.mark.parametrize("usage", [{}, USAGE])
def test_a_part_is_read_as_it_was_written(usage: dict[str, float]) -> None:
    history = History()
    for step in (1, 2, 10**12):
        history.record(step, {"train/loss/total": 1 / step, "val/accuracy/köpfe": math.inf})
    history.record(3, {"train/grad_norm": 0.1})

    part = decode_part(encode_part(history, usage))

    assert part.usage == usage
    assert part.ms > 1.7e12
    assert part.series == {name: history[name] for name in history}


def test_a_part_without_a_measurement_has_what_the_process_uses() -> None:
    part = decode_part(encode_part(History(), USAGE))

    assert (part.series, part.usage) == ({}, USAGE)


def test_files_that_are_being_made_are_no_live_files(tmp_path: Path) -> None:
    folder = live_folder(tmp_path, "study")
    folder.mkdir(parents=True)
    for name in ("b.live", ".a.live", "a.live", "outcome.json"):
        (folder / name).touch()

    assert [path.name for path in live_files(tmp_path, "study")] == ["a.live", "b.live"]
