import torch

from harness.training.torch_defaults import torch_defaults_kept


def defaults() -> tuple[object, ...]:
    return (
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_grad_enabled(),
        torch.get_float32_matmul_precision(),
        torch.zeros(1).dtype,
        torch.zeros(1).device,
    )


def test_defaults_that_are_set_inside_do_not_outlive_the_block() -> None:
    before = defaults()

    with torch_defaults_kept():
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.set_grad_enabled(False)
        torch.set_float32_matmul_precision("medium")
        assert defaults() != before

    assert defaults() == before
