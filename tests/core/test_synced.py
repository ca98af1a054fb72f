import os
from pathlib import Path

import pytest

from harness.core.synced import make_folder, sync


def test_a_folder_and_a_file_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = list[Path]()
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(Path(f"/proc/self/fd/{descriptor}").readlink()))
    (tmp_path / "file").touch()

    sync(tmp_path / "file")
    sync(tmp_path)

    assert synced == [tmp_path / "file", tmp_path]


def test_the_name_of_each_folder_that_is_made_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = set[Path]()
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.add(Path(f"/proc/self/fd/{descriptor}").readlink()))
    (tmp_path / "there").mkdir()

    make_folder(tmp_path / "there" / "new" / "newer")
    assert (tmp_path / "there" / "new" / "newer").is_dir()
    assert synced == {tmp_path / "there", tmp_path / "there" / "new"}

    synced.clear()
    make_folder(tmp_path / "there" / "new")
    assert synced == set()


def test_it_is_said_that_there_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sync(tmp_path / "file")
