import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.core.errors import InputError
from harness.reporting.publication import publishing
from harness.reporting.publication.publishing import publish
from harness.staging.durable_files import exchanged

FILES = {"report.html": b"new", "summary.json": b"{}", "figures/a.png": b"png"}


def test_the_files_are_written_and_nothing_is_left_beside_them(tmp_path: Path) -> None:
    publish(tmp_path / "reports" / "one", FILES)

    assert (tmp_path / "reports" / "one" / "figures" / "a.png").read_bytes() == b"png"
    assert [path.name for path in (tmp_path / "reports").iterdir()] == ["one"]


def test_a_report_is_replaced_but_for_its_readme(tmp_path: Path) -> None:
    out = tmp_path / "one"
    publish(out, {**FILES, "figures/old.png": b"old"})
    (out / "README.md").write_text("what we think of it")

    publish(out, FILES)

    assert (out / "README.md").read_text() == "what we think of it"
    assert not (out / "figures" / "old.png").exists()


def test_a_folder_with_only_a_readme_may_become_a_report(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("planned")

    publish(tmp_path, FILES)

    assert {path.name for path in tmp_path.iterdir()} == {"README.md", "report.html", "summary.json", "figures"}


def test_what_is_no_report_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")

    with pytest.raises(InputError, match=r"expected a report, or nothing, at .*; found thesis\.tex; choose another"):
        publish(tmp_path, FILES)

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_when_writing_fails_the_report_that_was_there_stays(tmp_path: Path) -> None:
    out = tmp_path / "one"
    publish(out, FILES)

    with pytest.raises(InputError, match="cannot write the report"):
        publish(out, {"report.html": b"newer", "report.html/impossible": b""})

    assert (out / "report.html").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


class Killed(BaseException):
    """Nothing of a process runs after it was killed, no cleaning up either."""


def kill_at(call: int, monkeypatch: pytest.MonkeyPatch, *, exchange: bool) -> None:
    """Let this and every later call that changes files fail."""
    made = itertools.count()

    def limited(change: Callable[..., object]) -> Callable[..., object]:
        def changed(*arguments: object, **options: object) -> object:
            if next(made) >= call:
                raise Killed
            return change(*arguments, **options)

        return changed

    for name in ("fsync", "link", "mkdir", "rename", "replace", "rmdir", "unlink"):
        monkeypatch.setattr(os, name, limited(getattr(os, name)))
    monkeypatch.setattr(publishing, "exchanged", limited(exchanged) if exchange else lambda *_: False)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("exchange", [True, False])
def test_a_kill_at_any_moment_leaves_a_whole_report_and_what_people_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchange: bool
) -> None:
    old, written = {**FILES, "figures/old.png": b"old"}, {"README.md": b"what we think of it"}
    newer, missing = {**FILES, "report.html": b"newer"}, 0
    for call in range(200):
        out = tmp_path / str(call) / "one"
        publish(out, old)
        (out / "README.md").write_bytes(written["README.md"])
        killed = False
        with monkeypatch.context() as killing:
            kill_at(call, killing, exchange=exchange)
            try:
                publish(out, newer)
            except Killed:
                killed = True

        missing += not out.exists()
        assert not out.exists() or contents(out) in (old | written, newer | written)
        publish(out, FILES)
        assert contents(out) == FILES | written
        assert [path.name for path in out.parent.iterdir()] == ["one"]
        if not killed:
            break
    assert 10 < call < 199
    assert missing == (0 if exchange else 1)


def test_what_people_write_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "one"
    publish(out, FILES)
    (out / "README.md").write_text("first")

    def exchanged_late(new: Path, out: Path) -> bool:
        (tmp_path / "draft").write_text("second")
        (tmp_path / "draft").rename(out / "README.md")
        return exchanged(new, out)

    monkeypatch.setattr(publishing, "exchanged", exchanged_late)
    publish(out, FILES)

    assert (out / "README.md").read_text() == "second"


def test_a_report_is_on_disk_before_it_takes_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = list[str]()

    def noted(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)

    monkeypatch.setattr(os, "fsync", noted)
    publish(tmp_path / "one", FILES)

    assert sorted(synced[:-1]) == ["a.png", "figures", "new", "report.html", "summary.json"]
    assert synced[-1] == tmp_path.name


def test_a_folder_that_is_reached_through_a_link_is_replaced_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "one").symlink_to("elsewhere")

    publish(tmp_path / "one", FILES)
    publish(tmp_path / "one", FILES)

    assert (tmp_path / "one").is_symlink()
    assert contents(tmp_path / "elsewhere") == FILES


@pytest.mark.parametrize("name", [".one.notes", ".one.two.abcdefgh", ".onexabcdefgh"])
def test_what_others_have_beside_a_report_stays(tmp_path: Path, name: str) -> None:
    (tmp_path / name / "old").mkdir(parents=True)

    publish(tmp_path / "one", FILES)

    assert (tmp_path / name).is_dir()
