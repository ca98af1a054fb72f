"""Answers of a synthetic study's runs to the examples of a test set."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from harness.core.answers import JOINT, Answers, ClassAnswers
from harness.core.digest import digest
from harness.reporting.data.answers import answer_frames
from harness.reporting.data.study_data import StudyData

__all__ = ["Groups", "with_answers"]

Groups = NDArray[np.int64] | None


def with_answers(data: StudyData, examples: int, groups: Groups) -> StudyData:
    """Return the study with answers of its completed runs, of which six of ten classes are known before the growth.

    The accuracy over all classes is the one that they come to.
    """
    known = dict.fromkeys(data.runs.loc[data.runs["status"] == "completed", "run_id"], 10)
    known |= dict.fromkeys(data.runs.loc[data.runs["fork"] != "", "fork"], 6)
    outputs = {state: _answers(state, examples, known=size) for state, size in known.items()}
    right = {state: np.mean(found.answer == found.truth) for state, found in outputs.items()}
    metric = data.runs["run_id"].map(right).astype(np.float64)
    answers = {state: Answers({JOINT: found}, groups) for state, found in outputs.items()}
    frames = answer_frames(answers, data.study.spec.metric)
    return replace(data, runs=data.runs.assign(**{"test/accuracy/all": metric}), answers=frames)


def _answers(state: str, examples: int, *, known: int) -> ClassAnswers:
    """Return answers of a network that can see the first `known` classes."""
    stream = np.random.default_rng(int(digest(state), 16))
    truth = np.arange(examples, dtype=np.int32) % 10
    answer = np.where((truth < known) & (stream.random(examples) < 0.9), truth, (truth + 1) % known).astype(np.int32)
    confidence = stream.uniform(0.5, 1, examples).astype(np.float16)
    probability = np.where(answer == truth, confidence, (truth < known) * (1 - confidence)).astype(np.float16)
    return ClassAnswers(truth, answer, probability, confidence)
