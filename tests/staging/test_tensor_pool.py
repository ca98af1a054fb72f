import os
from pathlib import Path

import pytest

from harness.staging.snapshot_format import Buffer
from harness.staging.tensor_pool import TensorPool

CONTENT: list[Buffer] = [b"header", memoryview(b"values")]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    return tmp_path


def put(root: Path, folder: str, pool: TensorPool | None = None) -> Path:
    return root / folder / (pool or TensorPool(root / "pool")).put(root / folder, CONTENT)


def test_the_same_content_is_one_file_with_several_names(root: Path) -> None:
    first, second = put(root, "a"), put(root, "b")

    assert first.read_bytes() == second.read_bytes() == b"headervalues"
    assert first.samefile(second)


def test_where_there_are_no_links_each_has_a_copy(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    first, second = put(root, "a"), put(root, "b")

    assert first.read_bytes() == second.read_bytes()
    assert not first.samefile(second)
    assert list((root / "pool").glob("*/*")) == []


@pytest.mark.parametrize("damage", [b"", b"headervaluex"])
def test_nobody_links_to_a_damaged_file(root: Path, damage: bytes) -> None:
    put(root, "a").write_bytes(damage)

    second, third = put(root, "b"), put(root, "c")

    assert second.read_bytes() == b"headervalues"
    assert third.samefile(second)


def test_what_turns_out_to_be_damaged_is_written_anew(root: Path) -> None:
    pool = TensorPool(root / "pool")
    first = put(root, "a", pool)

    pool.distrust([first.name])

    assert not put(root, "b", pool).samefile(first)


def test_only_what_no_stage_has_is_given_up(root: Path) -> None:
    pool = TensorPool(root / "pool")
    first = put(root, "a", pool)

    pool.give_up([first.name])
    pool.give_up_all()
    assert put(root, "b").samefile(first)

    first.unlink()
    (root / "b" / first.name).unlink()
    pool.give_up([first.name, "never.safetensors"])
    assert list((root / "pool").glob("*/*")) == []


def test_a_tensor_that_is_given_up_while_a_stage_links_to_it_stays_in_the_stage(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = TensorPool(root / "pool")
    first = put(root, "a", pool)
    first.unlink()
    unlink = Path.unlink

    def late(path: Path, *, missing_ok: bool = False) -> None:
        monkeypatch.setattr(Path, "unlink", unlink)
        put(root, "b", pool)
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", late)
    pool.give_up([first.name])

    assert (root / "b" / first.name).read_bytes() == b"headervalues"
    assert put(root, "c", pool).read_bytes() == b"headervalues"
