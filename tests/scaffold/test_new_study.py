from collections.abc import Mapping
from pathlib import Path

import pytest

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
TABLES = {"marked": MARKED, "classes": CLASSES, "two classes": TWO_CLASSES, "numbers": NUMBERS, "many": MANY}


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
