import os
from pathlib import Path

import pytest

from harness.core.errors import InputError
from harness.tracking.delivery.destination import (
    Destination,
    destinations_of,
    inherited_destinations,
    parse_destination,
)

HOME = Path("/home/of/studies")


@pytest.mark.parametrize("uri", ["sqlite:////tmp/mlflow.db", "http://127.0.0.1:5000", "https://host/mlflow"])
def test_an_address_without_a_password_is_taken_as_it_is(uri: str) -> None:
    assert parse_destination(uri, HOME) == Destination(uri)


@pytest.mark.parametrize("uri", [None, ""])
def test_without_an_address_it_is_a_database_in_the_home(uri: str | None) -> None:
    assert parse_destination(uri, HOME).uri == "sqlite:////home/of/studies/mlflow.sqlite"


def test_user_and_password_are_for_mlflow_alone() -> None:
    destination = parse_destination("https://ada:s3cr%40t@[::1]:5000/x?y=1", HOME)

    assert destination.uri == "https://[::1]:5000/x?y=1"
    assert destination.credentials == {"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": "s3cr@t"}
    assert "s3cr" not in f"{destination!r} {destination}"


def test_a_process_that_is_started_has_the_password_in_its_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    destination = parse_destination("http://ada:s3cret@host", HOME)
    monkeypatch.setattr(os, "environ", {"PATH": "/bin"})

    environment = destination.environment()
    destination.authenticate()

    assert environment["MLFLOW_TRACKING_PASSWORD"] == "s3cret"
    assert os.environ["MLFLOW_TRACKING_PASSWORD"] == "s3cret"
    assert inherited_destinations(["mlflow"], environment, HOME) == (Destination("http://host"),)


@pytest.mark.parametrize(("named", "points"), [(None, "thinned"), ("all", "all"), ("x", "thinned")])
def test_a_process_that_is_started_shows_the_same_points(named: str | None, points: str) -> None:
    environment = {"HARNESS_TRACKING_POINTS": named} if named else {}

    (inherited,) = inherited_destinations([], environment, HOME)

    assert inherited.points == points
    assert inherited_destinations(["mlflow"], inherited.environment(), HOME) == (inherited,)


def test_several_trackers_have_places_of_their_own_and_a_name_counts_once() -> None:
    found = destinations_of(["csv", "mlflow", "csv"], "http://host", HOME, "all")

    assert found == (
        Destination("/home/of/studies/csv", points="all", tracker="csv"),
        Destination("http://host", points="all"),
    )
    assert [place.title for place in found] == ["CSV", "MLflow"]
    assert "HARNESS_TRACKING_URI" not in found[0].environment()  # that of MLflow alone


def test_none_stands_alone_for_nowhere() -> None:
    assert destinations_of(["none"], None, HOME) == ()
    assert destinations_of([], None, HOME) == (parse_destination(None, HOME),)
    with pytest.raises(InputError, match="expected --tracker none alone, found it beside csv"):
        destinations_of(["csv", "none"], None, HOME)


@pytest.mark.parametrize(
    "uri",
    [
        "http://ada:s3cret@host:port",
        "http://ada:s3cret@[host",
        "http://ada:s3cret@",
        "http://ada:s3cret@host:99999",
        "postgresql://ada:s3cret@host/db",
        "ada:s3cret@host",
        "sqlite:///",
        "databricks",
    ],
)
def test_anything_else_is_refused_without_repeating_it(uri: str) -> None:
    with pytest.raises(InputError, match="expected --tracking-uri") as caught:
        parse_destination(uri, HOME)

    assert "s3cret" not in str(caught.value)
