import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import HarnessError, InputError
from harness.tracking import AbstractFolderTracker, AbstractTracker, UiSettings
from harness.tracking.csv_files import CsvTracker
from harness.tracking.delivery.trackers import name_of_tracker, tracker_of

OWN = """
from harness.tracking import AbstractFolderTracker


class Notebook(AbstractFolderTracker):
    kind = "notebook"
    title = "my notebook"
    package = "PACKAGE"

    def write_study(self, folder, entry, outcome):
        folder.write("study.txt", outcome.encode())

    def write_run(self, folder, entry, others):
        folder.write(f"{entry.name}.txt", str(entry.metrics.keys()).encode())


class Unnamed(Notebook):
    title = None
"""


def own(folder: Path, package: str = "") -> str:
    (folder / "mine.py").write_text(OWN.replace("PACKAGE", package))
    return f"{folder / 'mine.py'}:Notebook"


def test_a_tracker_of_ones_own_is_found_by_its_file_and_by_its_class(tmp_path: Path) -> None:
    tracker = tracker_of(own(tmp_path))

    assert (tracker.kind, issubclass(tracker, AbstractFolderTracker)) == ("notebook", True)
    assert name_of_tracker(tracker) == own(tmp_path)
    assert tracker_of(name_of_tracker(tracker)) is tracker


def test_files_of_one_name_in_two_folders_are_two_trackers(tmp_path: Path) -> None:
    names = []
    for folder in (tmp_path / "one", tmp_path / "other"):
        folder.mkdir()
        names.append(own(folder))

    trackers = [tracker_of(name) for name in names]

    assert [name_of_tracker(tracker) for tracker in trackers] == names


def test_another_process_finds_it_wherever_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own(tmp_path)
    monkeypatch.chdir(tmp_path)
    name = name_of_tracker("mine.py:Notebook")
    program = f"from harness.tracking.delivery.trackers import tracker_of; tracker_of({name!r})"

    subprocess.run([sys.executable, "-c", program], cwd="/", check=True)


def test_a_class_of_a_module_is_named_by_it() -> None:
    assert name_of_tracker(CsvTracker) == "csv"
    assert tracker_of("harness.tracking.csv_files:CsvTracker") is CsvTracker


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("tensorbord", "Did you mean 'tensorboard'"),
        ("Mlflow", "expected --tracker mlflow, tensorboard, wandb, csv, none, MODULE:CLASS or FILE.py:CLASS"),
        ("nowhere.py:Mine", "expected a class at --tracker nowhere.py:Mine, found none"),
        ("no.such.module:Mine", "No module named 'no'"),
        ("json:JSONEncoder", "expected a subclass of harness.tracking.AbstractTracker"),
        ("harness.tracking:AbstractTracker", "expected a subclass of harness.tracking.AbstractTracker"),
    ],
)
def test_what_is_no_tracker_is_refused_in_a_line(name: str, reason: str) -> None:
    with pytest.raises(InputError) as refused:
        tracker_of(name)

    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("code", ["class Mine(:", "1 / 0", "exit(3)", "raise KeyError('a\\nb')"])
def test_a_file_whose_code_fails_is_refused_in_a_line(tmp_path: Path, code: str) -> None:
    (tmp_path / "mine.py").write_text(code)

    with pytest.raises(
        InputError, match=r"expected a class at --tracker .*mine.py:Mine, found none \(\w+: "
    ) as refused:
        tracker_of(f"{tmp_path / 'mine.py'}:Mine")

    assert len(str(refused.value).splitlines()) == 1


def test_a_tracker_that_says_it_has_a_server_and_starts_none_is_a_line(tmp_path: Path) -> None:
    class Served(AbstractTracker):
        kind = "served"
        has_server = True

    with pytest.raises(HarnessError, match="expected `start_ui` of the tracker 'served'"):
        Served.start_ui(tmp_path, UiSettings())


def test_a_tracker_has_a_kind_and_a_title(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected the class variables kind and title"):
        tracker_of(own(tmp_path).replace("Notebook", "Unnamed"))


def test_a_package_that_is_missing_stands_beside_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> Any:
        return None if name in {"wandb", "no_such"} else known(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)

    with pytest.raises(InputError, match=r"expected wandb to be installed for --tracker wandb; pip install 'harness\["):
        tracker_of("wandb")
    with pytest.raises(InputError, match=r"expected no_such to be installed .*; pip install no_such"):
        tracker_of(own(tmp_path, "no_such"))


def test_a_class_that_no_other_process_can_import_is_refused() -> None:
    class Mine(AbstractTracker):
        pass

    with pytest.raises(InputError, match="write it into a file"):
        name_of_tracker(Mine)
