import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from harness.core.errors import InputError
from harness.data import AbstractTask
from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.paper.latex import MOST_LINES, latex_table
from harness.reporting.paper.letters import LINES, em, escaped
from harness.reporting.paper.methods import methods
from harness.reporting.paper.table_widths import GAP, fitted
from harness.reporting.paper.works import DATA, WORKS
from harness.reporting.paper.write_paper import paper_files, write_paper
from harness.reporting.tables._base import ReportTable, table_of_numbers
from harness.staging.study_spec import StudySpec

pytestmark = pytest.mark.usefixtures("figures_undrawn")


@pytest.fixture(scope="module")
def data(study_data: Callable[..., StudyData]) -> StudyData:
    """The data of a study with three arms that recorded much of what there is to record."""
    return study_data(trials=6, seeds=2, arms=("frozen", "unfrozen", "never"), never=("never",), rich=True)


@pytest.fixture(scope="module")
def files(data: StudyData) -> dict[str, str]:
    """What a paper takes from its report."""
    environment = {"python": "3.12", "harness": "1.0", "packages": {"torch": "2.10", "optuna": "5.0"}}
    return paper_files(ReportContext(data, environment))


def test_the_methods_say_what_was_done(files: dict[str, str], data: StudyData) -> None:
    text = files["methods.md"]

    assert data.study.spec.task["kind"] in text
    assert all(arm in text for arm in data.arms)
    assert "6 configurations with 2 seeds each" in text
    assert "We estimate the mean, over configurations drawn from the searched space, and over seeds, of " in text
    assert "95 % t interval over configurations" in text
    assert "Python 3.12, harness 1.0, torch 2.10 and optuna 5.0 [@paszke2019pytorch]." in text


def test_what_is_searched_or_changed_by_the_arms_has_no_value_in_the_methods(data: StudyData) -> None:
    spec = data.study.spec
    base = {**spec.base} | {
        "model": {"kind": "mlp", "widths": [8, 16]},
        "growths": [{"operation": {"kind": "add_unit"}, "trigger": {"kind": "at_step", "step": 20}, "freeze": "no"}],
    }
    space = {
        "width": {"kind": "int", "field": "model.widths.1", "low": 8, "high": 32},
        "when": {"kind": "int", "field": "growths.0.trigger.step", "low": 8, "high": 32},
        "gone": {"kind": "int", "field": "growths.4.width", "low": 8, "high": 32},
    }
    arms = {"frozen": {"growths.0.freeze": "all"}, "unfrozen": {"growths.0.freeze": "no"}}
    study = replace(data.study, spec=StudySpec({**spec, "base": base, "space": space, "arms": arms}))

    text = ". ".join(sentence for sentence, _ in methods(ReportContext(replace(data, study=study))))

    assert "MLP (8, (searched))" in text
    assert "Growth: add unit at step (searched), freeze (by arm)" in text
    assert "We compared frozen (freeze all) and unfrozen (freeze no)" in text


def test_many_arms_are_named_and_told_in_their_table(data: StudyData) -> None:
    spec = data.study.spec
    arms = {f"arm {number}": {"growths": [{"a": number, "b": 2, "c": 3}]} for number in range(20)}
    study = replace(data.study, spec=StudySpec({**spec, "arms": {**spec.arms} | arms}))

    said = next(text for text, _ in methods(ReportContext(replace(data, study=study))) if "We compared" in text)

    assert said.startswith(
        f"We compared {len(spec.arms) + 20} arms, of which the table of arms says what each changes: "
    )
    assert said.endswith("; arm 18; arm 19")


def test_an_interval_that_there_is_not_is_not_described(study_data: Callable[..., StudyData]) -> None:
    said = " ".join(text for text, _ in methods(ReportContext(study_data(trials=2, seeds=2))))

    assert "We estimate the mean" in said
    assert "interval" not in said


def test_a_file_of_ones_own_is_named_without_its_folder(data: StudyData) -> None:
    spec = data.study.spec
    task = {"kind": "table", "path": "private/plants.csv"}
    of_table = replace(data, study=replace(data.study, spec=StudySpec({**spec, "base": {**spec.base, "task": task}})))

    (said, _), *_ = methods(ReportContext(of_table))

    assert said.endswith("were trained on table plants.csv")


def test_what_is_cited_is_listed_and_nothing_else(files: dict[str, str]) -> None:
    listed = re.findall(r"^@\w+\{(\w+),", files["references.bib"], re.MULTILINE)

    assert set(re.findall(r"@(\w+)", files["methods.md"])) == set(listed)
    in_latex = re.findall(r"\\citep\{([^}]*)\}", files["methods.tex"])
    assert set(",".join(in_latex).split(",")) == set(listed)
    assert len(listed) == len(set(listed))


def test_every_work_is_found_under_its_key() -> None:
    assert all(re.match(rf"@\w+\{{{key},", work) for key, work in WORKS.items())
    assert set(DATA.values()) <= set(WORKS)


def test_the_data_of_every_task_that_comes_with_harness_are_cited() -> None:
    published = [task for task in AbstractTask.__subclasses__() if "Source:" in (task.__doc__ or "")]

    assert len(published) > 5
    assert {task.model_fields["kind"].default for task in published} <= set(DATA)


def test_every_table_is_one_of_latex(files: dict[str, str]) -> None:
    tables = {name: text for name, text in files.items() if name.startswith("tables/")}

    assert "tables/outcomes.tex" in tables
    for text in tables.values():
        for part in text.split("\n\n"):
            head, *rows = [line for line in part.splitlines() if line.endswith(r"\\")]
            assert rows
            assert {line.replace(r"\&", "").count("&") for line in rows} == {head.replace(r"\&", "").count("&")}
        unsafe = r"(?<!\\)[%#_]"
        assert not [line for line in text.splitlines() if re.search(unsafe, line) and not line.startswith(r"\label")]


def test_numbers_stand_to_the_right_and_words_cannot_run() -> None:
    table = table_of_numbers("of", "A & B", [{"arm": r"a_b \input{x}", "mean": "\N{MINUS SIGN}1 %"}], pd.DataFrame())

    assert latex_table(table).splitlines()[2:10] == [
        r"\small",
        r"\caption{A \& B.}",
        r"\label{tab:of}",
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"arm & mean \\",
        r"\midrule",
        r"a\_b \textbackslash{}input\{x\} & $-$1 \% \\",
    ]
    assert escaped("~^<>") == r"\textasciitilde{}\textasciicircum{}\textless{}\textgreater{}"


def test_a_wide_table_has_lines_that_break_and_fits() -> None:
    row = {
        "what": "many words " * 8,
        "file": "results/of/a/study/of/mine.csv",
        "mean": "1.5",
        "interval": "+1.4 to +7.9",
    }

    text = latex_table(table_of_numbers("wide", "Wide", [row], pd.DataFrame(), left=2))

    kinds = re.findall(r">\{\\(\w+)\\arraybackslash\}p\{([\d.]+)\\linewidth\}", text)
    assert [kind for kind, _ in kinds] == ["raggedright"] * 2 + ["raggedleft"] * 2
    assert 0.7 < sum(float(width) for _, width in kinds) <= 1 - 4 * GAP / max(LINES.values())
    assert r"results/\allowbreak{}of/\allowbreak{}a/" in text


def wide(columns: int) -> ReportTable:
    numbers = {f"the outcome {column}": "12.34 ± 1.23" for column in range(columns)}
    rows = [{"arm": arm, "arm again": arm.upper(), "seed": seed, **numbers} for arm in "ab" for seed in "01"]
    return table_of_numbers("wide", "Wide", rows, pd.DataFrame(), left=2, note="Many.")


@pytest.mark.parametrize("columns", [1, 3, 7, 20])
def test_a_table_wider_than_a_page_comes_in_parts_in_each_of_which_the_rows_have_their_names(columns: int) -> None:
    parts = fitted(wide(columns))

    assert all(part.table.head[0] == "arm" and "seed" in part.table.head for part in parts)
    assert all(sum(part.widths) + GAP * len(part.widths) <= part.line for part in parts)
    names = [name for part in parts for name in part.table.head if name not in ("arm", "seed")]
    assert names == [name for name in wide(columns).head if name not in ("arm", "seed")]
    assert all(row[part.table.head.index("seed")] in "01" for part in parts for row in part.table.rows)
    text = latex_table(wide(columns))
    assert text.count("Many.") == 1
    assert re.findall(r"\\label\{(.*?)\}", text) == ["tab:wide", *(f"tab:wide-{n}" for n in range(2, len(parts) + 1))]
    assert (len(parts) > 1) is ("part 2 of" in text) is (columns > 3)


def test_wide_letters_are_wider_than_narrow_ones() -> None:
    assert em("ill") < em("axe") < em("MWM")
    assert em("1234") >= 4 * 0.5


@pytest.mark.parametrize(("rows", "kind"), [(MOST_LINES, "tabular"), (MOST_LINES + 1, "longtable")])
def test_a_table_that_is_longer_than_a_page_goes_on_on_the_next(rows: int, kind: str) -> None:
    text = latex_table(table_of_numbers("long", "Long", [{"arm": "a", "mean": "1"}] * rows, pd.DataFrame()))

    assert f"\\begin{{{kind}}}{{lr}}" in text
    assert text.count(r"a & 1 \\") == rows


def test_a_report_stays_as_it_was_written(finished_report: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in finished_report.rglob("*") if path.is_file()}

    written = write_paper(finished_report, tmp_path / "paper")

    assert written == sum(path.is_file() for path in (tmp_path / "paper").rglob("*"))
    assert {path: path.read_bytes() for path in finished_report.rglob("*") if path.is_file()} == before
    with pytest.raises(InputError, match="expected another folder than that of the report"):
        write_paper(finished_report, finished_report)


def test_a_folder_that_cannot_be_written_is_named(finished_report: Path, tmp_path: Path) -> None:
    (tmp_path / "paper").touch()

    with pytest.raises(InputError, match=r"cannot write to .*paper"):
        write_paper(finished_report, tmp_path / "paper")
