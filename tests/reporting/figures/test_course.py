import pandas as pd

from harness.reporting.figures._course import CourseData, draw_course
from harness.reporting.figures._style import applied


def test_a_course_that_is_looked_at_closely_has_a_panel_for_that_on_the_same_scale() -> None:
    means = pd.DataFrame({"arm": "a", "grown": True, "offset": [0, 40, 400], "value": [0.0, -9.0, -1.0]})
    lines = means.assign(trial=0)

    with applied():
        near, whole = draw_course(CourseData(lines, means, ["a"], "updates", "change", at_growth=True, zoom=50)).axes

    assert near.get_xlim() == (-5.0, 50.0)
    assert whole.get_xlim()[1] > 400
    assert near.get_ylim() == whole.get_ylim()
