"""An encoder-decoder whose forward returns a dict: frog families, what it saw, and a loss; species join later."""

from typing import Literal

from pydantic import PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from harness.data import AnuranCalls, Output
from harness.growth import AtStep, AttachHead, GrowthRule, Nothing, OldParameters
from harness.losses import CrossEntropy, JointCrossEntropy, MeanSquared, ModelLoss
from harness.models import AbstractModel
from harness.search.space import Choice, Float, Int
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig
from harness.training.optimizers import AdamW

INPUTS, FAMILIES, SPECIES = 22, 4, 10


class EncoderDecoder(AbstractModel):
    """Classifies from `latent` numbers, from which its inputs can be decoded again."""

    kind: Literal["frog_encoder_decoder"] = "frog_encoder_decoder"
    hidden: PositiveInt = 64
    latent: PositiveInt = 16

    def build(self, outputs: int) -> nn.Module:
        """Return the network, with so many families."""
        return _EncoderDecoder(self.hidden, self.latent, outputs)


class _EncoderDecoder(nn.Module):
    def __init__(self, hidden: int, latent: int, outputs: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(INPUTS, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(0.2), nn.Linear(hidden, latent)
        )
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, INPUTS))
        self.output = nn.Linear(latent, outputs)

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        latent = self.encoder(inputs)
        copy = self.decoder(latent)
        return {
            "family": self.output(latent),
            "latent": latent,
            "copy": copy,
            "reconstruction_loss": functional.mse_loss(copy.float(), inputs),
        }


def study() -> Study:
    growth = GrowthRule(
        trigger=AtStep(step=400),
        operation=AttachHead(name="species", outputs=SPECIES, tap="encoder"),
        freeze=Nothing(),
    )
    return Study(
        name="dict-losses",
        title="Frog families, then species, from a network that also decodes what it heard",
        question="When a head for species joins families and reconstruction, should all that was learned stay frozen?",
        base=RunConfig(
            task=AnuranCalls(
                level="family",
                classes={"family": tuple(range(FAMILIES))},
                outputs={
                    "copy": Output(kind="inputs", columns=INPUTS),
                    "species": Output(kind="classes", columns=SPECIES),
                },
            ),
            model=EncoderDecoder(),
            training=TrainingConfig(
                optimizer=AdamW(lr=2e-3),
                batch_size=64,
                losses={
                    "family": JointCrossEntropy(),
                    "reconstruction": ModelLoss(output="reconstruction_loss", weight=0.5),
                    "copy": MeanSquared(weight=0.0),  # measured as well: the same number, under the output's name
                    "species": CrossEntropy(),
                },
                evaluate_every=50,
                record_gradients_every=50,
            ),
            growths=(growth,),
            steps=1200,
        ),
        space={
            "when": Int(field="growths.0.trigger.step", low=200, high=800, step=200),
            "width": Choice(field="growths.0.operation.width", options=(0, 32)),
            "loss weight": Float(field="growths.0.loss_weight", low=0.25, high=4.0, log=True),
            "reconstruction": Float(field="training.losses.reconstruction.weight", low=0.1, high=2.0, log=True),
        },
        arms={
            "frozen": {"growths.0.freeze": OldParameters()},
            "unfrozen": {"growths.0.freeze": Nothing()},
        },
        comparison=("unfrozen", "frozen"),
        metric="accuracy/species",
        smallest_effect=0.01,
        trials=12,
        seeds=3,
    )
