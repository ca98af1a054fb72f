"""Layers that can be inserted into a network."""

from harness.growth.layers._base import AbstractLayer, Function
from harness.growth.layers.attention_block import AttentionBlock
from harness.growth.layers.conv import ConvLayer
from harness.growth.layers.conv_block import ConvBlock
from harness.growth.layers.linear import LinearLayer
from harness.growth.layers.mlp_block import MLPBlock
from harness.growth.layers.norm import NormLayer

__all__ = [
    "AbstractLayer",
    "AttentionBlock",
    "ConvBlock",
    "ConvLayer",
    "Function",
    "LinearLayer",
    "MLPBlock",
    "NormLayer",
]
