"""New studies: copies of those that come with harness, and studies of one's own network and data, to be changed."""

from harness.scaffold.column import Column
from harness.scaffold.columns import SeenTable, read_table
from harness.scaffold.described import described
from harness.scaffold.example import ShippedStudy, examples
from harness.scaffold.new_study import copy_of, new_study
from harness.scaffold.task_guess import TaskGuess, guess_task

__all__ = [
    "Column",
    "SeenTable",
    "ShippedStudy",
    "TaskGuess",
    "copy_of",
    "described",
    "examples",
    "guess_task",
    "new_study",
    "read_table",
]
