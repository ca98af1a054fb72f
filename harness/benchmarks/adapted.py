"""A linear layer with a low-rank adapter, which has what those of PEFT have, so that PEFT need not be installed."""

from torch import Tensor, nn

__all__ = ["AdaptedLinear"]

NAME = "default"


class AdaptedLinear(nn.Module):
    """Adds `scaling * B A x` to what the frozen `base_layer` returns (arXiv 2106.09685)."""

    def __init__(self, base_layer: nn.Linear, rank: int, alpha: int) -> None:
        super().__init__()
        self.base_layer = base_layer.requires_grad_(False)
        self.in_features, self.out_features = base_layer.in_features, base_layer.out_features
        self.lora_A = nn.ModuleDict({NAME: nn.Linear(self.in_features, rank, bias=False)})
        self.lora_B = nn.ModuleDict({NAME: nn.Linear(rank, self.out_features, bias=False)})
        self.lora_embedding_A, self.lora_embedding_B = nn.ParameterDict(), nn.ParameterDict()
        self.r, self.lora_alpha, self.scaling = {NAME: rank}, {NAME: alpha}, {NAME: alpha / rank}
        self.use_rslora, self.lora_bias = {NAME: False}, {NAME: False}
        self.lora_variant: dict[str, object] = {}
        self.merged_adapters: list[str] = []
        self.merged = self.disable_adapters = False

    def get_delta_weight(self, adapter: str) -> Tensor:
        """Return what an adapter adds to the weight."""
        reading, writing = (part[adapter].get_parameter("weight") for part in (self.lora_A, self.lora_B))
        return self.scaling[adapter] * writing @ reading

    def forward(self, inputs: Tensor) -> Tensor:
        """Map `[..., in]` to `[..., out]`."""
        adapted: Tensor = self.lora_B[NAME](self.lora_A[NAME](inputs))
        output: Tensor = self.base_layer(inputs)
        return output + self.scaling[NAME] * adapted
