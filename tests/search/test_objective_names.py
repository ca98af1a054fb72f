import optuna

from harness.search.objective_names import name_objectives


def test_names_are_given_once_and_may_change() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])

    for names in (["val/accuracy/all", "cost/seconds"], ["val/f1/all", "cost/seconds"]):
        name_objectives(study, names)
        assert study.metric_names == names
