from harness.reporting.checks.badge import not_checked, passed_unless


def test_a_badge_passes_if_nothing_is_wrong_and_says_what_was_counted() -> None:
    words = {"passed": "all 3 hold", "failed": "1 of 3 does not hold"}

    assert passed_unless("a", 0, **words).status == "PASS"
    assert passed_unless("a", 0, **words).evidence == "all 3 hold"
    assert passed_unless("a", 1, **words).status == "FAIL"
    assert passed_unless("a", 1, **words).evidence == "1 of 3 does not hold"
    assert not_checked("a", "not recorded").status == "NOT CHECKED"
