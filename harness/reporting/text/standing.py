"""How the arms that are not compared stand beside the two that are, in a sentence."""

from harness.reporting.analysis.pairing import Comparison
from harness.reporting.analysis.standing import Standing, against
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData

__all__ = ["said_of_other_arms"]


def said_of_other_arms(data: StudyData, comparison: Comparison, measure: Measure, standings: list[Standing]) -> str:
    """Say which arm has the best mean and by how much, where there are others than the two that are compared."""
    compared = (comparison.first, comparison.second)
    others = len(standings) - len(set(compared))
    if others < 1:
        return ""
    best, better = standings[0], next(standing.arm for standing in standings if standing.arm in compared)
    if best.arm == better:
        rest = [standing.arm for standing in standings if standing.arm not in compared]
        return f"{_none_of(rest)} better than {better} on average."
    ahead = against(data, comparison, best.arm, better).difference
    assert ahead is not None
    ends = ahead.interval
    reach = f", 95 % interval {measure.difference(ends.low)} to {measure.difference(ends.high)}" if ends else ""
    chosen = ", not adjusted for choosing it afterwards" if ends else ""
    return (
        f"The best of {_all(data, standings)} arms is {best.arm}, with {measure.amount(best.mean)}: "
        f"{measure.difference(ahead.mean)} {measure.unit} against {better}{reach}{chosen}.".replace("  ", " ")
    )


def _all(data: StudyData, standings: list[Standing]) -> str:
    return f"all {len(standings)}" if len(standings) == len(data.arms) else f"the {len(standings)} ranked"


def _none_of(others: list[str]) -> str:
    return f"The other arm, {others[0]}, is not" if len(others) == 1 else f"None of the {len(others)} other arms is"
