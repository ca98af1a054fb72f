"""What the two runs of a pair have in common, as far as checks show it."""

from harness.reporting.analysis.pairing import Account, Comparison
from harness.reporting.checks.badge import Badge
from harness.reporting.checks.fairness import same_order, same_start
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import listed

__all__ = ["said_of_pairs"]


def said_of_pairs(data: StudyData, account: Account, comparison: Comparison) -> str:
    """Return a clause, without its full stop: what the compared arms share, and what they do not or may not."""
    start, order = same_start(account), same_order(data.runs, comparison)
    shared = _of("PASS", {"the initial values": start, "the order of the data": order})
    badges = {"the stored state from which they go on": start, "the order of the data": order}
    apart, unknown = _of("FAIL", badges), _of("NOT CHECKED", badges)
    return "; ".join(
        [
            "The two compared arms of a configuration share the seed" + (f", and with it {shared}" if shared else ""),
            *([f"not all of its pairs of runs share {apart}"] if apart else []),
            *([f"whether they share {unknown} was not checked"] if unknown else []),
        ]
    )


def _of(status: str, badges: dict[str, Badge]) -> str:
    return listed([what for what, badge in badges.items() if badge.status == status])
