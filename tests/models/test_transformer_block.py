import torch
from torch import nn

from harness.models.transformer_block import TransformerBlock, start_like_gpt2


def test_it_adds_to_a_stream_what_two_modules_write() -> None:
    block, features = TransformerBlock(8, 2), torch.randn(2, 3, 8)
    for name, parameter in block.named_parameters():
        if name.startswith(("attention.attention.out_proj", "mlp.project")):
            nn.init.zeros_(parameter)

    with torch.no_grad():
        assert torch.equal(block(features), features)


def test_what_writes_to_the_stream_begins_smaller_in_a_deeper_network() -> None:
    block = TransformerBlock(64, 2)

    start_like_gpt2(block, depth=8)

    spread = {name: round(parameter.std().item(), 3) for name, parameter in block.named_parameters()}
    assert spread["mlp.expand.weight"] == spread["attention.attention.in_proj_weight"] == 0.02
    assert spread["mlp.project.weight"] == spread["attention.attention.out_proj.weight"] == 0.005
    assert not any(value for name, value in spread.items() if "bias" in name)
