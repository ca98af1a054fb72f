import os
from pathlib import Path

import pytest

from harness.core.synced import sync


def test_a_folder_and_a_file_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = list[Path]()
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(Path(f"/proc/self/fd/{descriptor}").readlink()))
    (tmp_path / "file").touch()

    sync(tmp_path / "file")
    sync(tmp_path)

    assert synced == [tmp_path / "file", tmp_path]


def test_it_is_said_that_there_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sync(tmp_path / "file")
