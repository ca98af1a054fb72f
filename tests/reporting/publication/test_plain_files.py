import os
import socket
from pathlib import Path

import pytest

from harness.reporting.publication import plain_files as module
from harness.reporting.publication.plain_files import MOST_BYTES, plain_files, read_plain


def test_plain_files_are_read_by_relative_path(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_bytes(b"a\n")
    (tmp_path / "b.md").write_bytes(b"")

    sizes, refused = plain_files(tmp_path)

    assert (sizes, refused) == ({"b.md": 0, "data/a.csv": 2}, [])
    assert read_plain(tmp_path, sizes, {}) == ({"b.md": b"", "data/a.csv": b"a\n"}, [])


def test_what_is_no_plain_file_is_named_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "device.csv").symlink_to("/dev/zero")
    (tmp_path / "folder.csv").symlink_to(tmp_path)
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(tmp_path / "socket"))

        sizes, refused = plain_files(tmp_path)

    assert sizes == {}
    assert [path for path, _ in refused] == ["device.csv", "folder.csv", "gone.csv", "pipe.csv", "socket"]


@pytest.mark.parametrize("stated", [{}, {"sparse.csv": 7}, {"sparse.csv": 200 * 2**30}])
def test_no_more_is_read_than_a_file_should_hold(tmp_path: Path, stated: dict[str, int]) -> None:
    with (tmp_path / "sparse.csv").open("wb") as stream:
        stream.truncate(200 * 2**30)

    contents, refused = read_plain(tmp_path, plain_files(tmp_path)[0], stated)

    assert contents == {}
    assert refused[0][1].startswith("has 214,748,364,800 bytes, expected ")


def test_a_large_file_that_should_be_large_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ENOUGH_BYTES", 2)
    (tmp_path / "large.csv").write_bytes(b"12345")

    sizes, _ = plain_files(tmp_path)

    assert read_plain(tmp_path, sizes, {"large.csv": 5})[0] == {"large.csv": b"12345"}
    assert read_plain(tmp_path, sizes, {"large.csv": 4})[1] == [
        ("large.csv", "has 5 bytes, expected 4, and is not read")
    ]
    assert MOST_BYTES > 2**29


def test_a_file_that_became_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.csv")

    assert read_plain(tmp_path, {"a.csv": 1}, {}) == ({}, [("a.csv", "cannot be read: is no plain file any more")])


def test_names_that_are_no_text_are_names(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.csv")).write_bytes(b"")

    assert list(plain_files(tmp_path)[0]) == ["\udcff.csv"]


def test_a_folder_of_too_many_files_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_FILES", 2)
    for name in "abcd":
        (tmp_path / name).touch()

    assert plain_files(tmp_path)[1] == [("c", "is one of more than 2 files")]
