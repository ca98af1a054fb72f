import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., subprocess.CompletedProcess[str]]

PLANTS = "id,width,garden,species\n" + "".join(f"{n},{n / 7},a,{['oak', 'elm'][n % 2]}\n" for n in range(40))


def test_a_study_is_written_and_what_comes_next_is_said(call: Call, workplace: Path) -> None:
    ended = call("new", "mine")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert [path.name for path in sorted((workplace / "studies" / "mine").iterdir())] == ["README.md", "study.py"]
    assert "harness run mine" in ended.stdout
    assert call("list").stdout == "mine  not begun\ntiny  not begun\n"
    assert call("run", "mine", "--dry-run").stdout.startswith("mine: 24 of 24 runs would be done")


def test_what_was_guessed_of_a_table_is_said(call: Call, workplace: Path) -> None:
    (workplace / "plants.csv").write_text(PLANTS)

    ended = call("new", "plants", "--own-data", "plants.csv")

    assert ended.stdout.splitlines()[:4] == [
        "plants.csv: 40 rows; 'species' (2 classes) is predicted from 1 column: width",
        "  left out: 'id', since it is different in every row",
        "  left out: 'garden', since it is constant",
        "  If that is not what you mean, change it in the file, or say --label COLUMN.",
    ]
    assert "'width' (a number)" in call("new", "widths", "--own-data", "plants.csv", "--label", "width").stdout


def test_how_a_table_is_written_is_said(call: Call, workplace: Path) -> None:
    rows = [
        f"{'NA' if n % 10 == 0 else n / 8};{n},000;{['oak', 'elm'][n % 2]}\n".replace(".", ",") for n in range(1, 60)
    ]
    (workplace / "plants.csv").write_text("width;height;species\n" + "".join(rows))

    ended = call("new", "plants", "--own-data", "plants.csv")

    assert ended.stdout.splitlines()[2:4] == [
        "  filled with the median of the training part: 'width' (5 empty)",
        "  read with delimiter ';', decimal ',', missing values 'NA'",
    ]


def test_what_its_data_leave_to_be_said_of_a_study_is_said_at_once_and_in_its_plan(call: Call, workplace: Path) -> None:
    rows = [f"P{row // 4},{row / 7},{'yew' if row == 0 else ['oak', 'elm'][row // 4 % 2]}" for row in range(80)]
    (workplace / "plants.csv").write_text("\n".join([" patient, width ,species", *rows, ",,", ""]))

    ended = call("new", "plants", "--own-data", "plants.csv", "--own-model")
    planned = call("plan", "plants")

    said = [
        "no examples in the validation and test data of the classes yew (1 in all)",
        "rows of plants.csv that are empty in all columns read, and so passed over: 1",
    ]
    written = "written: parts=Parts(group='patient'), or rows of the same one would be in training and in test"
    assert ended.stdout.splitlines()[1:4] == [f"  {line}" for line in (*said, written)]
    assert (planned.returncode, [line for line in said if line not in planned.stderr]) == (0, [])


def test_groups_that_cannot_be_divided_are_left_to_the_author(call: Call, workplace: Path) -> None:
    rows = [f"{row % 12},{row / 7},{row % 12}\n" for row in range(120)]
    (workplace / "plants.csv").write_text("patient,width,species\n" + "".join(rows))

    ended = call("new", "plants", "--own-data", "plants.csv")

    assert ended.stdout.splitlines()[1] == (
        "  not divided by 'patient': expected examples in every part, found [120, 0, 0]; "
        "change the fractions or give more groups"
    )
    assert call("plan", "plants").returncode == 0


@pytest.mark.parametrize("source", ["digits-late-classes", "tiny", "studies/tiny"])
def test_any_study_can_be_copied(call: Call, workplace: Path, source: str) -> None:
    ended = call("new", "mine", "--from", source)

    assert ended.returncode == 0
    assert 'name="mine"' in (workplace / "studies" / "mine" / "study.py").read_text()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["tiny"], "expected a new name, found a study 'tiny' at studies/tiny; choose another name"),
        (["split-mnist"], "found a study 'split-mnist' among those that come with harness"),
        (["My Study"], "such as 'my-study'; found 'My Study'"),
        (["mine", "--from", "tiney"], "no study 'tiney'. Did you mean 'tiny'?"),
        (["mine", "--from", "tiny", "--own-model"], "expected --from, or --own-model and --own-data, found both"),
        (["mine", "--label", "x"], "expected --own-data with --label, found --label alone"),
        (["mine", "--own-data", "no.csv"], "expected a data file at no.csv, found none that can be read"),
        (["mine", "--own-data", "../up.csv"], "found ../up.csv; copy or link it here"),
    ],
)
def test_wrong_input_is_one_line_and_writes_nothing(
    call: Call, workplace: Path, arguments: list[str], reason: str
) -> None:
    (workplace.parent / "up.csv").write_text(PLANTS)
    before = sorted(workplace.rglob("*"))

    ended = call("new", *arguments)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert reason in ended.stderr
    assert sorted(workplace.rglob("*")) == before


def test_a_folder_that_cannot_be_written_is_said(call: Call, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workplace / "elsewhere").mkdir()
    (workplace / "elsewhere" / "studies").touch()
    monkeypatch.chdir(workplace / "elsewhere")

    ended = call("new", "mine")

    assert ended.returncode == 2
    assert "cannot write studies/mine" in ended.stderr
