"""Files of events that TensorBoard reads: the one module that imports it.

A file is a sequence of records: the length of its content, a checksum of the length, the content, and a checksum of the
content. The first event says which version the file has.
"""

import struct
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import DATA_CLASS_SCALAR, Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_FLOAT, DT_STRING
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams.metadata import PLUGIN_NAME, SESSION_END_INFO_TAG, SESSION_START_INFO_TAG
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo

from harness.tracking.content.points import Point

__all__ = ["append_events", "hparams_events", "restart", "scalar_event", "text_event", "write_events"]

VERSION = "brain.Event:2"
LENGTH, CHECKSUM = struct.Struct("<Q"), struct.Struct("<I")


def write_events(file: Path, events: Iterable[Event]) -> None:
    """Write a file of events, all of it or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(".new")  # which TensorBoard does not take for one of its files
    beside.write_bytes(_version() + b"".join(map(_record, events)))
    beside.replace(file)


def append_events(file: Path, events: Iterable[Event]) -> None:
    """Add events to a file, and make it if there is none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    start = b"" if file.exists() else _version()
    with file.open("ab") as opened:
        opened.write(start + b"".join(map(_record, events)))


def restart() -> Event:
    """Return the event after which TensorBoard forgets what it has read of the run before."""
    return Event(wall_time=time.time(), step=0, session_log=SessionLog(status=SessionLog.START))


def scalar_event(point: Point, ms: int) -> Event:
    """Return a point of a curve, measured `ms` milliseconds after 1970, in single precision.

    TensorBoard passes over values in double precision, unless it reads slowly: `--load_fast=false`.
    """
    tensor = TensorProto(dtype=DT_FLOAT, float_val=[point.value], tensor_shape=TensorShapeProto())
    about = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"), data_class=DATA_CLASS_SCALAR)
    value = Summary.Value(tag=point.key, tensor=tensor, metadata=about)
    return Event(wall_time=ms / 1000, step=point.step, summary=Summary(value=[value]))


def text_event(tag: str, text: str) -> Event:
    """Return a text in Markdown."""
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
    tensor = TensorProto(dtype=DT_STRING, string_val=[text.encode()], tensor_shape=shape)
    about = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    value = Summary.Value(tag=tag, tensor=tensor, metadata=about)
    return Event(wall_time=time.time(), step=0, summary=Summary(value=[value]))


def hparams_events(params: Mapping[str, str | float], status: str) -> list[Event]:
    """Return what the table of hyperparameters shows of a run, whose `status` is one of TensorBoard's."""
    start = SessionStartInfo()
    for name, value in params.items():
        if isinstance(value, str):
            start.hparams[name].string_value = value
        else:
            start.hparams[name].number_value = value
    end = SessionEndInfo(status=api_pb2.Status.Value(f"STATUS_{status}"))
    contents = {
        SESSION_START_INFO_TAG: HParamsPluginData(session_start_info=start, version=0),
        SESSION_END_INFO_TAG: HParamsPluginData(session_end_info=end, version=0),
    }
    return [_hparams_event(tag, content.SerializeToString()) for tag, content in contents.items()]


def _hparams_event(tag: str, content: bytes) -> Event:
    about = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=PLUGIN_NAME, content=content))
    value = Summary.Value(tag=tag, metadata=about, tensor=TensorProto(dtype=DT_FLOAT, tensor_shape=TensorShapeProto()))
    return Event(wall_time=time.time(), step=0, summary=Summary(value=[value]))


def _version() -> bytes:
    return _record(Event(wall_time=time.time(), file_version=VERSION))


def _record(event: Event) -> bytes:
    content: bytes = event.SerializeToString()
    length = LENGTH.pack(len(content))
    return length + CHECKSUM.pack(masked_crc32c(length)) + content + CHECKSUM.pack(masked_crc32c(content))
