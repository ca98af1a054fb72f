"""Ten letters are known; five more come late. Add five rows to the output layer: from which values, what frozen?"""

from harness.data import Letters
from harness.growth import AtStep, GrowthRule, Nothing, OldParameters, WidenHead
from harness.models import MLP
from harness.search.space import Choice, Float, Int
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig
from harness.training.optimizers import AdamW


def study() -> Study:
    growth = GrowthRule(
        trigger=AtStep(step=400),
        operation=WidenHead(path="output", to=15),
        freeze=Nothing(),
        reveals=(10, 11, 12, 13, 14),
    )
    return Study(
        name="more-outputs",
        title="Ten outputs become fifteen, on a frozen or an unfrozen network",
        question="When an output layer gets five more rows, should everything learned before stay frozen?",
        base=RunConfig(
            task=Letters(classes={"letters": tuple(range(10))}, letters=15),
            model=MLP(inputs=16, widths=(64, 64)),
            training=TrainingConfig(optimizer=AdamW(lr=2e-3), batch_size=64, evaluate_every=50),
            growths=(growth,),
            steps=1200,
        ),
        space={
            "when": Int(field="growths.0.trigger.step", low=200, high=800, step=200),
            "init": Choice(
                field="growths.0.operation.new_rows",
                options=("zeros", "mean_of_old_rows", "imprint", "kaiming_normal"),
            ),
            "lr factor": Float(field="growths.0.lr_factor", low=0.5, high=4.0, log=True),
        },
        arms={
            "frozen": {"growths.0.freeze": OldParameters()},
            "unfrozen": {"growths.0.freeze": Nothing()},
        },
        comparison=("unfrozen", "frozen"),
        smallest_effect=0.005,
        trials=12,
        seeds=3,
    )
