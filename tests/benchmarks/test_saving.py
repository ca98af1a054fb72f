import json
from pathlib import Path

from harness.benchmarks._base import Figure
from harness.benchmarks.saving import as_table, machine, save_json, save_report

FIGURES = [Figure.below("growth (steps)", 0.31234, 5), Figure("anew (steps)", 0.5)]


def test_a_table_is_for_people() -> None:
    assert as_table(FIGURES) == [("growth (steps)", "0.312", "< 5", "yes"), ("anew (steps)", "0.5", "", "")]
    assert as_table([Figure("calls", 12345.6)])[0][1] == "12,346"


def test_json_is_a_list_of_objects_with_four_keys(tmp_path: Path) -> None:
    save_json(FIGURES, tmp_path / "figures.json")

    found = json.loads((tmp_path / "figures.json").read_text())

    assert [sorted(item) for item in found] == [["figure", "met", "target", "value"]] * 2
    assert found[0]["value"] == 0.31234


def test_a_report_says_how_it_was_made_and_where(tmp_path: Path) -> None:
    folder = save_report("growth", FIGURES, tmp_path, quick=True)

    page = (folder / "README.md").read_text()
    assert "harness bench growth --quick --save" in page
    assert machine() in page
    assert "| growth (steps) | 0.312 | < 5 | yes |" in page
    assert (folder / "figures.json").is_file()


def test_what_someone_wrote_below_the_table_stays_when_it_is_saved_anew(tmp_path: Path) -> None:
    page = save_report("growth", FIGURES, tmp_path, quick=True) / "README.md"
    written = "\n## What it rests on\n\nA sentence.\n\n## Tried\n\nAnother.\n"
    page.write_text(page.read_text() + written)

    save_report("growth", FIGURES[:1], tmp_path, quick=False)

    assert page.read_text().endswith("| growth (steps) | 0.312 | < 5 | yes |\n" + written)


def test_a_figure_that_could_not_be_measured_says_why(tmp_path: Path) -> None:
    missing = Figure.missing("steps/s in a graph", "there are none on cpu")

    save_json([missing], tmp_path / "figures.json")

    assert as_table([missing]) == [("steps/s in a graph", "not measured: there are none on cpu", "", "")]
    (found,) = json.loads((tmp_path / "figures.json").read_text())
    assert (found["value"], found["note"]) == (None, "there are none on cpu")
