import subprocess
from collections.abc import Callable
from pathlib import Path

from harness.reporting.publication.published_files import is_published

Ended = subprocess.CompletedProcess[str]
Call = Callable[..., Ended]


def test_the_verdict_and_the_place_of_the_report_are_printed(
    first_run: tuple[Path, Ended], call: Call, tmp_path: Path
) -> None:
    home, out = first_run[0] / "runs", tmp_path / "out"

    ended = call("report", "tiny", "--home", str(home), "--out", str(out))

    assert ended.returncode == 0
    assert "Not enough data for a verdict" in ended.stdout
    assert str(out / "report.html") in ended.stdout
    assert (out / "report.html").is_file()


def test_a_report_is_the_one_that_the_run_has_written(
    first_run: tuple[Path, Ended], call: Call, tmp_path: Path
) -> None:
    folder, _ = first_run

    call("report", "tiny", "--home", str(folder / "runs"), "--out", str(tmp_path / "out"))

    first, again = folder / "runs" / "reports" / "tiny", tmp_path / "out"
    call("render", str(again))
    names = sorted(path.relative_to(first) for path in first.rglob("*.csv"))
    assert names
    assert all((first / name).read_bytes() == (again / name).read_bytes() for name in names)


def test_a_report_goes_whole_into_the_home_and_without_what_follows_elsewhere(
    first_run: tuple[Path, Ended], call: Call, tmp_path: Path
) -> None:
    home, out = first_run[0] / "runs", tmp_path / "out"

    call("report", "tiny", "--home", str(home), "--out", str(out))

    def names(folder: Path) -> set[str]:
        return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}

    whole = names(home / "reports" / "tiny")
    assert names(out) == {name for name in whole if is_published(name)}
    assert {"summary.json", "tables/runs.csv"} <= whole - names(out)
    assert (out / "manifest.json").read_bytes() == (home / "reports" / "tiny" / "manifest.json").read_bytes()


def test_an_unknown_study_is_refused_naming_those_that_were_begun(first_run: tuple[Path, Ended], call: Call) -> None:
    home = first_run[0] / "runs"

    ended = call("report", "tiney", "--home", str(home))

    assert ended.returncode == 2
    assert "Did you mean 'tiny'" in ended.stderr
    assert not (home / "reports" / "tiney").exists()
