"""Raw scores of a model's boosters by LightGBM itself, for many rows at once.

Training, evaluation and prediction score files with it; serving has the forest, which gives the
same numbers for a few ads in microseconds and would be slow to start here.

The one surprising fact: a model is the mean of its boosters' raw scores, so each member's weight is
one over their number, and the whole still is one sum of trees.
"""

from collections.abc import Mapping, Sequence

import lightgbm
import numpy as np

from models.ctr.encoding import Floats, Vocabulary
from models.ctr.forest.compiled import Member

CHUNK_ROWS = 100_000


def columns_of(
    rows: Floats, slots: Sequence[int], vocabularies: Mapping[int, Vocabulary]
) -> Floats:
    """What a booster is given for encoded rows: its slots, categories as small numbers.

    Args:
        rows: float64[n, slots of the schema].
        slots: which slots, in the booster's order.
        vocabularies: by the booster's column, for those that are categories.

    Returns:
        float64[n, len(slots)].
    """
    columns = rows[:, list(slots)]
    for place, vocabulary in vocabularies.items():
        columns[:, place] = vocabulary.codes(columns[:, place])
    return columns


def raw_scores(members: Sequence[Member], rows: Floats) -> Floats:
    """The weighted sum of the members' raw scores, float64[n]."""
    raw = np.zeros(len(rows))
    for member in members:
        booster = lightgbm.Booster(model_str=member.text)
        for begin in range(0, len(rows), CHUNK_ROWS):
            part = slice(begin, begin + CHUNK_ROWS)
            columns = columns_of(rows[part], member.slots, member.vocabularies)
            raw[part] += member.weight * np.asarray(booster.predict(columns, raw_score=True))
    return raw


def trees(members: Sequence[Member]) -> int:
    """How many trees all members have together: what serving walks for every ad."""
    return sum(lightgbm.Booster(model_str=member.text).num_trees() for member in members)
