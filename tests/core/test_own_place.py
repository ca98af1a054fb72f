import json
from pathlib import Path

import pytest

from harness.core.explain import close_match
from harness.core.own_place import at_own_place, own_place, shown


def error_of(names: object) -> BaseException:
    try:
        close_match("loss", names)  # type: ignore[arg-type]
    except TypeError as error:
        return error
    raise AssertionError


def test_it_is_the_line_that_called_what_raised() -> None:
    found = own_place(error_of(3))

    assert found == (Path(__file__), 12)
    assert at_own_place(error_of(3)) == f" ({shown(Path(__file__))}, line 12)"


def test_there_is_none_where_libraries_alone_were_at_work() -> None:
    with pytest.raises(json.JSONDecodeError) as found:
        json.loads("{")

    within = found.value.with_traceback(found.tb.tb_next)

    assert own_place(within) is None


@pytest.mark.parametrize("path", ["study.py", "studies/mine/study.py"])
def test_a_path_is_shown_as_it_is_seen_from_here(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert shown(tmp_path / path) == path
    assert shown(Path("/elsewhere/study.py")) == "/elsewhere/study.py"
