import pandas as pd
import pytest

from harness.reporting.data.instruction_sets import were_pinned


@pytest.mark.parametrize(
    ("machines", "expected"),
    [
        (['{"pinned":true}', '{"pinned":true}'], True),
        (['{"pinned":false}'], False),
        (["{}"], False),
        ([None, '{"pinned":true}'], True),
        ([None], False),
    ],
)
def test_the_first_run_that_tells_decides(machines: list[str | None], expected: bool) -> None:
    assert were_pinned(pd.DataFrame({"machine": machines})) is expected


def test_runs_of_older_reports_do_not_tell() -> None:
    assert not were_pinned(pd.DataFrame({"arm": ["frozen"]}))
