"""Networks that two processes train; all of it in one pair of processes, since they take seconds to start."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from harness.core.errors import SurgeryError
from harness.growth.distributed import check_whole, on_every_process

SCRIPT = """
import os
import sys
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel
from harness.core.errors import HarnessError
from harness.growth import *

first = os.fork()  # two processes for the imports of one
rank = int(first == 0)
dist.init_process_group("gloo", init_method=f"file://{sys.argv[1]}", rank=rank, world_size=2)


def held():
    yield from model.module.state_dict().items()
    for index, group in enumerate(optimizer.param_groups):
        for parameter in group["params"]:
            for key, value in optimizer.state.get(parameter, {}).items():
                yield f"{index} {parameter.shape} {key}", torch.as_tensor(value)


def tell(what, value):
    every = [None, None]
    dist.all_gather_object(every, value)
    if rank == 0:
        print(what, every[0] if every[0] == every[1] else every, flush=True)


def tell_whether_same(what, tensors):
    every, mine = [None, None], {name: tensor.detach().clone() for name, tensor in tensors}
    dist.all_gather_object(every, mine)
    same = every[0].keys() == every[1].keys() and all(torch.equal(every[0][key], every[1][key]) for key in mine)
    tell(what, "same" if same else "different")


def step():
    optimizer.zero_grad()
    model(inputs).square().mean().backward()
    optimizer.step()


torch.manual_seed(rank)
net = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3))
wrapper = model = DistributedDataParallel(net, find_unused_parameters=True, bucket_cap_mb=1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
inputs = torch.randn(8, 4, generator=torch.Generator().manual_seed(rank))
average = AveragedModel(model.module)
calls = []
model.register_forward_hook(lambda *_: calls.append(1))
step()
step()
grow(model, optimizer, WidenLayer(path="0", by=2), probe=Probe(inputs), average=average)
tell_whether_same("after a wider layer", held())
tell_whether_same("in the average", average.module.named_parameters())
grow(model, optimizer, WidenHead(path="3", to=5))
step()
step()
tell_whether_same("after steps", (item for item in held() if "running" not in item[0]))
model(inputs)
tell("hooks", (len(calls), model is wrapper, model.find_unused_parameters, model.bucket_bytes_cap))

before = [id(parameter) for group in optimizer.param_groups for parameter in group["params"]]
for operation in (WidenHead(path="3" if rank == 0 else "absent", to=6), WidenHead(path="3", to=6 + rank)):
    try:
        grow(model, optimizer, operation)
    except HarnessError as error:
        tell("refused", str(error).split(":")[0].split(" '")[0].split(";")[0])
chosen = PruneUnits(path="0", units=(rank,))
try:
    grow(model, optimizer, chosen, probe=Probe(inputs))
except HarnessError as error:
    tell("refused", str(error).rpartition(", and ")[2])
tell("as before", [id(parameter) for group in optimizer.param_groups for parameter in group["params"]] == before)
step()

consolidate(model, optimizer)
grow(model, optimizer, WidenHead(path="3", to=7), freeze_policy=OldParameters())
step()
tell_whether_same("frozen and consolidated", held())
frozen = {name: tensor.clone() for name, tensor in net.state_dict().items() if not name.startswith("3.parts.1")}
step()
tell("still", all(torch.equal(net.state_dict()[name], tensor) for name, tensor in frozen.items()))

from torch.distributed.fsdp import fully_shard
from torch.distributed.optim import ZeroRedundancyOptimizer

sharded = fully_shard(nn.Sequential(nn.Linear(4, 6)), mesh=dist.device_mesh.init_device_mesh("cpu", (2,)))
zero = ZeroRedundancyOptimizer(net.parameters(), torch.optim.SGD, lr=0.1)
for network, trained in ((sharded, torch.optim.SGD(sharded.parameters(), lr=0.1)), (net, zero)):
    try:
        grow(network, trained, WidenHead(path="0", to=8))
    except HarnessError as error:
        tell("refused", str(error).split(";")[0])
model.register_comm_hook(average, lambda state, bucket: None)
try:
    grow(model, optimizer, WidenHead(path="3", to=9))
except HarnessError as error:
    tell("refused", str(error).split(",")[1])
dist.barrier()
other = os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) if first else 0
os._exit(other)  # gloo's threads sometimes abort an ordinary exit
"""
EXPECTED = """\
after a wider layer same
in the average same
after steps same
hooks (5, True, True, 1048576)
refused ['expected a growth on every process, found that process 1 could not', 'no module']
refused expected the same growth on every process, found another network on process 1 than on process 0
refused with the same probe if it chooses by what it sees
as before True
frozen and consolidated same
still True
refused expected whole parameters, found '0.weight' sharded by fully_shard
refused expected an optimizer that holds all of its state, found ZeroRedundancyOptimizer
refused  found AveragedModel
"""


def test_two_processes_grow_alike_or_not_at_all(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("gloo") / "rendezvous"

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, str(file)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.stdout.splitlines() == EXPECTED.splitlines(), done.stderr
    assert done.returncode == 0, done.stderr


def test_a_network_of_one_process_is_changed_as_it_is() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    check_whole(model, [torch.optim.SGD(model.parameters(), lr=0.1)])

    with on_every_process(model):
        model.append(nn.ReLU())

    assert len(model) == 2


class FullyShardedDataParallel(nn.Module):
    """Named as the wrapper that flattens and shards parameters."""


def test_a_wrapper_that_shards_is_refused() -> None:
    with pytest.raises(SurgeryError, match="before it is sharded"):
        check_whole(nn.Sequential(FullyShardedDataParallel()))
