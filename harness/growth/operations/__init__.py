"""Operations: what changes at a growth."""

from harness.growth.operations._base import AbstractOperation
from harness.growth.operations.add_adapter import AddAdapter
from harness.growth.operations.add_branch import AddBranch
from harness.growth.operations.add_cascade_unit import AddCascadeUnit
from harness.growth.operations.align_rows import AlignRows
from harness.growth.operations.answer_by_cosines import AnswerByCosines
from harness.growth.operations.attach_head import AttachHead
from harness.growth.operations.correct_bias import CorrectBias
from harness.growth.operations.duplicate_layers import DuplicateLayers
from harness.growth.operations.grow_best import GrowBest
from harness.growth.operations.insert_layer import InsertLayer
from harness.growth.operations.join_tap import JoinTap
from harness.growth.operations.merge_adapter import MergeAdapter
from harness.growth.operations.prune_units import PruneUnits
from harness.growth.operations.raise_rank import RaiseRank
from harness.growth.operations.remove_branch import RemoveBranch
from harness.growth.operations.remove_head import RemoveHead
from harness.growth.operations.replace_head import ReplaceHead
from harness.growth.operations.resize_embedding import ResizeEmbedding
from harness.growth.operations.split_class import SplitClass
from harness.growth.operations.switch_layer import SwitchLayer
from harness.growth.operations.toggle_head import ToggleHead
from harness.growth.operations.transfer import TransferReport, transfer
from harness.growth.operations.unchanged import Unchanged
from harness.growth.operations.widen_head import WidenHead
from harness.growth.operations.widen_layer import WidenLayer

__all__ = [
    "AbstractOperation",
    "AddAdapter",
    "AddBranch",
    "AddCascadeUnit",
    "AlignRows",
    "AnswerByCosines",
    "AttachHead",
    "CorrectBias",
    "DuplicateLayers",
    "GrowBest",
    "InsertLayer",
    "JoinTap",
    "MergeAdapter",
    "PruneUnits",
    "RaiseRank",
    "RemoveBranch",
    "RemoveHead",
    "ReplaceHead",
    "ResizeEmbedding",
    "SplitClass",
    "SwitchLayer",
    "ToggleHead",
    "TransferReport",
    "Unchanged",
    "WidenHead",
    "WidenLayer",
    "transfer",
]
