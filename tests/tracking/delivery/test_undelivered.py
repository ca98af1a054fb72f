from harness.tracking.delivery.undelivered import Undelivered, together


def test_it_is_falsy_exactly_if_there_is_no_reason() -> None:
    assert not Undelivered()
    assert Undelivered(reason="no answer")


def test_what_one_tracker_lacks_is_said_as_it_is_and_what_several_lack_with_their_names() -> None:
    one, other = Undelivered(1, 20, "no answer", "MLflow"), Undelivered(2, 9, "full", "CSV")

    assert together([Undelivered(where="CSV"), one]) == one
    assert not together([Undelivered(where="CSV")])
    assert together([one, other]).where == "MLflow, CSV"
