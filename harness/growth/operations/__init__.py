"""Operations: what changes at a growth."""

from harness.growth.operations._base import AbstractOperation
from harness.growth.operations.attach_head import AttachHead

__all__ = ["AbstractOperation", "AttachHead"]
