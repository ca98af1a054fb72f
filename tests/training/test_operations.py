import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from harness.training.operations import flops_of


def test_a_product_of_matrices_counts_two_for_each_triple() -> None:
    left, right = torch.ones(3, 5), torch.ones(5, 7)

    assert flops_of(lambda: left @ right) == 2 * 3 * 5 * 7


def test_what_is_done_to_each_element_counts_nothing() -> None:
    assert flops_of(lambda: torch.ones(10).relu().sum()) == 0


def test_a_backward_pass_counts_for_each_gradient_that_is_needed() -> None:
    layer, inputs = nn.Linear(5, 7), torch.ones(3, 5)

    def train(x: Tensor) -> None:
        layer(x).sum().backward()

    assert flops_of(lambda: train(inputs)) == 2 * 2 * 3 * 5 * 7
    assert flops_of(lambda: train(inputs.requires_grad_())) == 3 * 2 * 3 * 5 * 7
    layer.requires_grad_(requires_grad=False)
    assert flops_of(lambda: train(inputs)) == 2 * 2 * 3 * 5 * 7


def test_a_convolution_counts_its_kernel_at_every_place() -> None:
    layer = nn.Conv2d(3, 8, kernel_size=3, padding=1)

    assert flops_of(lambda: layer(torch.ones(2, 3, 10, 10))) == 2 * 2 * 8 * 10 * 10 * 3 * 3 * 3


def test_attention_counts_both_its_products_on_every_device() -> None:
    query, key, value = (torch.ones(1, 2, tokens, 4) for tokens in (6, 9, 9))

    assert flops_of(lambda: scaled_dot_product_attention(query, key, value)) == 2 * 2 * (2 * 6 * 9 * 4)
