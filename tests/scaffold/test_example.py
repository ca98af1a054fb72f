from pathlib import Path

from harness.scaffold.example import examples, question_in
from harness.search.find import shipped_studies

STUDIES = Path(__file__).parents[2] / "studies" / "README.md"


def test_every_study_that_ships_says_what_it_is_and_what_it_needs() -> None:
    found = {one.name: one for one in examples()}

    assert found.keys() == shipped_studies().keys()
    assert all(one.title for one in found.values())
    assert {name for name, one in found.items() if one.extra} == {
        "frozen-or-unfrozen-text",
        "late-intents",
        "new-domain",
    }
    assert found["fashion-late-classes"].download == "30 MB"
    assert [one.name for one in examples()][:2] == ["digits-each-at-its-best", "digits-late-classes"]


def test_what_is_downloaded_is_what_the_table_of_studies_says() -> None:
    lines = [line for line in STUDIES.read_text().splitlines() if "/README.md) |" in line]
    rows = {line.partition("]")[0].strip("| ["): line for line in lines}

    assert all(one.download in rows[one.name] for one in examples())


def test_the_question_is_read_from_the_readme(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# A title\n\n**Question.** Is it so?\nAnd why?\n\n**Arms.** Two.\n")

    assert question_in(tmp_path / "README.md") == "Is it so?\nAnd why?"
    assert question_in(tmp_path / "nothing.md") == ""
