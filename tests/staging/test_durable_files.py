import os
from pathlib import Path

import pytest

from harness.core.synced import sync
from harness.staging.durable_files import exchanged, write_synced


def test_content_and_names_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = list[tuple[str, int]]()

    def noted(descriptor: int) -> None:
        synced.append((Path(f"/proc/self/fd/{descriptor}").readlink().name, os.fstat(descriptor).st_size))

    monkeypatch.setattr(os, "fsync", noted)
    write_synced(tmp_path / "file", [b"one", memoryview(b"two")])
    sync(tmp_path)

    assert synced[0] == ("file", 6)
    assert synced[1][0] == tmp_path.name
    assert (tmp_path / "file").read_bytes() == b"onetwo"


def test_folders_change_places_or_both_stay(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()

    done = exchanged(tmp_path / "one", tmp_path / "other")

    assert (tmp_path / "one" / ("other" if done else "one")).exists()
    assert not exchanged(tmp_path / "one", tmp_path / "missing")
    assert (tmp_path / "one").is_dir()
