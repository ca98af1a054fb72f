from pathlib import Path

import pytest

from harness.core.errors import InputError
from harness.scaffold.renamed import renamed
from harness.search.find import shipped_studies

STUDIES = {name: folder / "study.py" for name, folder in shipped_studies().items()}


@pytest.mark.parametrize("name", STUDIES)
def test_the_name_changes_and_nothing_else(name: str) -> None:
    text = renamed(STUDIES[name], "mine")

    changed = [
        lines
        for lines in zip(STUDIES[name].read_text().splitlines(), text.splitlines(), strict=True)
        if lines[0] != lines[1]
    ]
    assert changed == [(f'        name="{name}",', '        name="mine",')]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Study(name=NAME)", r'expected one Study\(name="..."\) in .*, found 0; copy the file by hand'),
        ("Study(name='a')\nStudy(name='b')", "found 2"),
        ("def study(:", "line 1: invalid syntax"),
    ],
)
def test_a_name_that_is_no_plain_text_is_left_to_its_author(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "study.py").write_text(content)

    with pytest.raises(InputError, match=said):
        renamed(tmp_path / "study.py", "mine")


def test_letters_of_other_scripts_before_the_name_do_not_shift_it(tmp_path: Path) -> None:
    (tmp_path / "study.py").write_text('Study(title="größer", name="b")', encoding="utf-8")

    assert renamed(tmp_path / "study.py", "mine") == 'Study(title="größer", name="mine")'
