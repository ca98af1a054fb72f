import hashlib
from pathlib import Path

import pytest

from harness.core.errors import DataError
from harness.data.own_file import find_own_file, sha256_of


def test_the_data_folder_is_looked_into_before_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    digests = []
    for folder in (tmp_path, tmp_path / "data"):
        (folder / "plants.csv").write_text(str(folder))
        digests.append(sha256_of(folder / "plants.csv"))

    assert find_own_file("plants.csv", digests[0], None) == Path("plants.csv")
    assert find_own_file("plants.csv", digests[1], tmp_path / "data") == tmp_path / "data" / "plants.csv"
    assert find_own_file("plants.csv", digests[0], tmp_path / "nowhere") == Path("plants.csv")


def test_the_digest_is_sha_256(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")

    assert sha256_of(str(tmp_path / "file")) == hashlib.sha256(b"content").hexdigest()


def test_a_missing_file_is_one_line_with_the_places_searched(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"expected the data file 'no.csv', found nothing at {tmp_path}/no.csv, .*"):
        find_own_file("no.csv", "0" * 64, tmp_path)
    with pytest.raises(DataError, match=r"expected a data file at .*No such file"):
        sha256_of(tmp_path / "no.csv")


def test_another_file_is_refused_with_the_digest_that_would_accept_it(tmp_path: Path) -> None:
    (tmp_path / "plants.csv").write_text("a")

    with pytest.raises(DataError, match=f"found SHA-256 {sha256_of(tmp_path / 'plants.csv')}; if these are the data"):
        find_own_file("plants.csv", "0" * 64, tmp_path)
