from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from harness.core.errors import DataError
from harness.data import load_task
from harness.scaffold import copy_of, guess_task, new_study, read_table
from harness.search.check import check_study
from harness.search.find import shipped_studies
from harness.search.load import load_study
from harness.search.study import Study
from harness.staging.runner import Runner

CLASSES = "width,color,species\n" + "".join(
    f"{n / 7},{'rb'[n % 2]},{['oak', 'elm', 'ash'][n % 3]}\n" for n in range(60)
)
TWO_CLASSES = "target;width\n" + "".join(f"{n % 2};{n / 7}\n" for n in range(60))
NUMBERS = "width,weight (g)\n" + "".join(f"{n / 7},{n / 3}\n" for n in range(60))
MANY_LONG = ",".join(f"a column with a long name, number {n}".replace(",", "") for n in range(9)) + ",label\n"
MANY = MANY_LONG + "".join(",".join(str((n * m) % 17) for m in range(1, 10)) + f",{n % 4 + 1}\n" for n in range(80))
MARKED = "width;size;species\n" + "".join(
    f"{f'{n / 7:.3f}'.replace('.', ',') if n % 9 else 'NA'};{n if n % 8 else '?'};{'ab'[n % 2]}\n" for n in range(60)
)
BLANK = "patient_id,width,color,label\n" + "".join(
    f"P{n // 4},{n / 7 if n % 9 else ''},{'rb'[n % 2] if n % 8 else ''},{n % 2}\n" for n in range(80)
)
TABLES = {
    "blank": BLANK,
    "marked": MARKED,
    "classes": CLASSES,
    "two classes": TWO_CLASSES,
    "numbers": NUMBERS,
    "many": MANY,
}


def loaded(folder: Path, files: Mapping[str, str]) -> Study:
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return load_study(folder / "study.py")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("own_model", [False, True])
def test_a_study_on_digits_can_be_run(here: Path, runner: Runner, own_model: bool) -> None:
    study = loaded(here, new_study(f"my-question-{own_model}".lower(), own_model=own_model))

    check_study(study, runner)
    assert study.metric == "accuracy/all"
    assert study.base.model.kind == (f"my_question_{own_model}_network".lower() if own_model else "mlp")


@pytest.mark.parametrize("own_model", [False, True])
@pytest.mark.parametrize("table", TABLES)
def test_a_study_on_a_table_can_be_run(here: Path, runner: Runner, table: str, own_model: bool) -> None:
    Path("data.csv").write_text(TABLES[table])
    guess = guess_task(read_table(Path("data.csv")))

    files = new_study(f"on-{table.replace(' ', '-')}-{own_model}".lower(), own_model=own_model, guess=guess)
    study = loaded(here, files)

    check_study(study, runner)
    data = load_task(study.base.task, None)
    assert data.train.inputs.shape == (len(data.train), guess.width)
    assert max(map(len, files["study.py"].splitlines())) <= 120


TEXTS = st.sampled_from(
    ["", " ", "NA", "oak", " elm ", '"a, b"', "x;y", "12%", "-999", "1,5", "2.365", "815", "1e3", "inf"]
)
FIELDS = st.one_of(
    TEXTS, st.integers(-5, 5).map(str), st.integers(-(10**9), 10**9).map(lambda number: str(number / 1000))
)
COLUMNS = st.one_of(
    st.lists(FIELDS, min_size=1, max_size=12),
    st.lists(st.floats(-9, 9).map("{:.2f}".format), min_size=5, max_size=40),
    st.lists(st.integers(0, 20).map(str), min_size=1, max_size=30),
    st.sampled_from([["oak", "elm"], ["a"] * 9 + ["b", ""], ["1", "2", "3"], ["yes"] * 12 + ["Yes"]]),
)
HEADERS = st.sampled_from([" a", "b ", "label", "patient_id", "", "1.5", '"c, d"', "id", "length (cm)", "Ü", "value"])


@st.composite
def csv_texts(draw: st.DrawFn) -> str:
    """Draw tables as people have them: with blanks, gaps, words among numbers, empty rows and odd names."""
    mark, end = draw(st.sampled_from([",", ";", "\t"])), draw(st.sampled_from(["\n", "\r\n"]))
    rows = draw(st.integers(1, 60))
    columns = draw(st.dictionaries(HEADERS, COLUMNS, min_size=1, max_size=5))
    lines = [mark.join(columns)]
    lines += [mark.join(values[row % len(values)] for values in columns.values()) for row in range(rows)]
    lines += [mark * (len(columns) - 1)] * draw(st.integers(0, 2))
    return draw(st.sampled_from(["", "\ufeff", end])) + end.join(lines) + end


@given(content=csv_texts())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_accepted_of_any_table_can_be_planned(here: Path, runner: Runner, content: str) -> None:
    Path("data.csv").write_text(content, encoding="utf-8", newline="")
    try:
        guess = guess_task(read_table(Path("data.csv")))
    except DataError:
        reject()

    study = loaded(here, new_study("any", guess=guess.without_group()))

    check_study(study, runner)
    data = load_task(study.base.task, None)
    assert data.train.inputs.shape == (len(data.train), guess.width)
    assert len(data.train) + len(data.validation) + len(data.test) == guess.table.rows


def test_classes_with_few_rows_do_not_come_late(here: Path) -> None:
    names = [*("oak", "elm", "ash", "fir", "bay") * 20, "yew", "yew", "box"]
    Path("data.csv").write_text("width,kind\n" + "".join(f"{row / 7},{name}\n" for row, name in enumerate(names)))

    study = loaded(here, new_study("plants", guess=guess_task(read_table(Path("data.csv")))))

    assert study.base.task.classes == {"known": (0, 1, 2, 3, 6), "late": (4, 5)}  # 2 is box, and 6 is yew


def test_a_predicted_number_has_an_effect_that_matters_in_its_unit(here: Path) -> None:
    Path("data.csv").write_text(NUMBERS)

    study = loaded(here, new_study("weights", guess=guess_task(read_table(Path("data.csv")))))

    assert study.metric == "rmse/value"  # a name with parentheses names no output
    assert study.smallest_effect == pytest.approx(0.05 * 60 / 3 / 12**0.5, rel=0.05)


def test_the_readme_has_a_place_for_the_prediction() -> None:
    readme = new_study("my-question")["README.md"]

    assert readme.startswith("# My question\n\n**Question.** ")
    assert "**Prediction**, written before the first run." in readme
    assert "harness register my-question" in readme


def test_a_copy_has_its_own_name_and_the_question_but_not_what_came_out(here: Path) -> None:
    original = shipped_studies()["digits-late-classes"] / "study.py"

    files = copy_of(original, "mine")

    study, before = loaded(here, files), load_study(original)
    assert study == before.model_copy(update={"name": "mine"})
    assert "Should everything that was learned before stay frozen" in files["README.md"]
    assert "8.1" not in files["README.md"]
