import re
from configparser import ConfigParser
from pathlib import Path

import harness

PACKAGE = Path(harness.__file__).parent
TESTS = Path(__file__).parents[1]
NEED_NONE = ("__init__", "__main__", "_base")

# Leaves and parts that one suite covers together, by the beginning of their path.
SUITES = {
    "api/exporting/": "api/exporting/test_export_run.py",
    "api/guarded_observer": "api/test_running.py",
    "api/launch_study": "api/test_running.py",
    "api/named_run": "api/exporting/test_export_run.py",
    "api/network_folder": "api/exporting/test_export_run.py",
    "api/process_settings": "api/test_running.py",
    "api/view": "api/test_notebook_progress.py",
    "diagnosis/finding": "diagnosis/test_software.py",
    "data/augment/": "data/test_augment.py",
    "data/data_digest": "integration/test_sources.py",
    "data/npy_header": "conformance/test_sources.py",
    "data/reading_ahead": "integration/test_sources.py",
    "data/stored_array": "data/test_arrays.py",
    "data/sources/": "conformance/test_sources.py",
    "data/task_preprocessing": "data/test_preprocessing.py",
    "growth/checkpoint_folder": "growth/test_checkpoint.py",
    "growth/computed_weights/": "growth/computed_weights/test_computed_weights.py",
    "growth/freezing/": "conformance/test_freeze_policies.py",
    "growth/joined": "growth/operations/test_add_branch.py",
    "growth/layers/": "growth/layers/test_layers.py",
    "growth/operations/": "conformance/test_operations.py",
    "growth/optimizer_state": "growth/test_checkpoint.py",
    "growth/plain_layers": "growth/test_consolidate.py",
    "growth/probe": "conformance/test_zoo.py",
    "growth/recipe": "growth/test_checkpoint.py",
    "growth/restored": "growth/test_checkpoint.py",
    "models/adapter": "growth/operations/test_add_adapter.py",
    "models/branches": "growth/operations/test_add_branch.py",
    "models/cascade": "growth/operations/test_add_cascade_unit.py",
    "models/copied": "models/test_teacher.py",
    "growth/surgery/attached": "growth/surgery/test_schedules.py",
    "growth/surgery/": "growth/surgery/test_optimizers.py",
    "growth/scores/": "growth/scores/test_scores.py",
    "growth/spaces/": "growth/spaces/test_widening.py",
    "growth/triggers/": "conformance/test_triggers.py",
    "growth/units/": "growth/units/test_units.py",
    "initializers/": "conformance/test_initializers.py",
    "integrations/examples/accelerate_loop": "integrations/test_accelerate.py",
    "integrations/examples/lightning_digits": "integrations/test_lightning.py",
    "integrations/examples/plain_loop": "integrations/test_accelerate.py",
    "integrations/examples/transformers_trainer": "integrations/test_transformers.py",
    "integrations/trainer_state": "integrations/test_accelerate.py",
    "losses/": "conformance/test_losses.py",
    "metrics/": "conformance/test_metrics.py",
    "training/memory/": "conformance/test_memories.py",
    "training/natural_expansion": "training/test_expansion_scores.py",
    "tracking/_folder": "tracking/test_folder.py",
    "tracking/_study_folder": "tracking/test_folder.py",
    "tracking/_point_file": "tracking/test_point_file.py",
    "tracking/tensorboard/event_file": "conformance/test_trackers.py",
    "tracking/tensorboard/tracker": "conformance/test_trackers.py",
    "tracking/wandb/": "conformance/test_trackers.py",
    "training/named_metrics": "training/test_evaluation.py",
    "training/predictions": "training/test_evaluation.py",
    "staging/data_digests": "integration/test_sources.py",
    "staging/own_modules": "staging/test_own_code.py",
    "staging/run_name": "search/test_run_request.py",
    "search/begin_study": "search/test_changed_study.py",
    "search/execution": "search/test_local_executor.py",
    "search/designs/": "search/test_tuned.py",
    "search/observers": "search/test_retell.py",
    "search/objective": "search/test_proposals.py",
    "search/pruners/": "search/test_pruning.py",
    "search/samplers/": "search/test_samplers.py",
    "search/preview": "search/test_changed_study.py",
    "search/study_progress": "search/test_launch.py",
    "search/trial_storage": "search/test_trial_check.py",
    "search/trial_schedule": "search/test_tuned.py",
    "reporting/context": "reporting/test_report.py",
    "reporting/data/columns": "reporting/data/test_absent.py",
    "reporting/data/study_data": "reporting/data/test_collect.py",
    "reporting/importance/small_forest": "reporting/importance/test_forest.py",
    "reporting/importance/split_search": "reporting/importance/test_forest.py",
    "training/packing/": "training/packing/test_pack.py",
    "reporting/figures/": "reporting/figures/test_base.py",
    "reporting/publication/manifest": "reporting/verification/test_verify.py",
    "reporting/publication/report_folder": "reporting/verification/test_verify.py",
    "reporting/publication/summary": "reporting/test_report.py",
    "reporting/paper/": "reporting/paper/test_write_paper.py",
    "reporting/results/": "reporting/results/test_study_results.py",
    "reporting/tables/": "reporting/tables/test_base.py",
    "reporting/text/": "reporting/test_report.py",
    "staging/pending_stage": "staging/test_stage_trainer.py",
    "staging/run_context": "staging/test_chain.py",
}
MODULES = [
    source.relative_to(PACKAGE).with_suffix("").as_posix()
    for source in sorted(PACKAGE.rglob("*.py"))
    if source.stem not in NEED_NONE
]


def mirrored(module: str) -> str:
    folder, _, name = module.rpartition("/")
    return f"{folder}/test_{name}.py"


def is_tested(module: str) -> bool:
    suites = [suite for beginning, suite in SUITES.items() if module.startswith(beginning)]
    return any((TESTS / path).is_file() for path in [mirrored(module), *suites])


def test_every_module_has_its_test_or_a_suite() -> None:
    assert [module for module in MODULES if not is_tested(module)] == []


def test_variables_that_say_how_much_a_campaign_does_reach_it_through_tox() -> None:
    asked = {
        name
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(r'environ\.get\("(HARNESS_\w+)"', path.read_text())
    }
    tox = ConfigParser(interpolation=None)
    tox.read(PACKAGE.parent / "tox.ini")

    assert asked <= set(tox["testenv:campaign"]["pass_env"].split())
    assert len(asked) >= 5
