"""What another policy would have earned, estimated from the log of the policy that ran.

Inverse propensity scoring (Horvitz and Thompson 1952), its self-normalised form (Swaminathan and
Joachims 2015) and the doubly robust estimator (Dudik et al. 2011), each with a 95 % interval.

The one surprising fact: a policy here is a table, the probability of each action in each context.
The other policy need not be known; its log tells the table well enough, for what is needed is how
often it chose an action, averaged over whatever made it choose.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.ctr.encoding import Floats

Indices = NDArray[np.int64]

Z_95 = 1.959963984540054
PSEUDO_COUNT = 0.5
"""Impressions added to every action of a policy that is read off a log, so that none is ruled out
because a short log lacks it."""

RATE_STRENGTH = 200.0
"""Impressions at the wider rate that each cell of the doubly robust model starts with."""


@dataclass(frozen=True, slots=True)
class Logged:
    """What the policy that ran did.

    `context` and `action` are small numbers (0..), `propensity` the probability with which the
    action was taken, `reward` what followed (1.0 for a click).
    """

    context: Indices
    action: Indices
    propensity: Floats
    reward: Floats


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean reward with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class OffPolicyReport:
    """All three estimates, what the log's own policy earned, and how far the log carries.

    `effective_rows` is Kish's effective sample size: how many rows of the other policy's own log
    would tell as much. `uncovered` is the share of the other policy's choices that the running
    policy never made; they are estimated by nothing but hope.
    """

    rows: int
    logged: Estimate
    ips: Estimate
    snips: Estimate
    doubly_robust: Estimate
    effective_rows: float
    uncovered: float


def policy_from_log(
    context: Indices, action: Indices, contexts: int, actions: int, pseudo: float = PSEUDO_COUNT
) -> Floats:
    """float64[contexts, actions]: how often a log shows each action in each context."""
    cells = np.bincount(context * actions + action, minlength=contexts * actions)
    counts = cells.reshape(contexts, actions) + pseudo
    return np.asarray(counts / counts.sum(axis=1, keepdims=True), np.float64)


def evaluate(log: Logged, policy: Floats) -> OffPolicyReport:
    """Estimates the mean reward of `policy` (float64[contexts, actions]) from the log.

    Raises:
        ValueError: a propensity outside 0..1, or rows that are none.
    """
    if not len(log.reward):
        raise ValueError("the log has no rows")
    if not np.all((log.propensity > 0) & (log.propensity <= 1)):
        raise ValueError("every propensity must be above 0 and at most 1")
    weight = policy[log.context, log.action] / log.propensity
    shown = np.zeros(policy.shape, np.bool_)
    shown[log.context, log.action] = True
    share = np.bincount(log.context, minlength=len(policy)) / len(log.context)
    return OffPolicyReport(
        rows=len(log.reward),
        logged=mean(log.reward),
        ips=mean(weight * log.reward),
        snips=_ratio(weight * log.reward, weight),
        doubly_robust=mean(_doubly_robust(log, policy, weight)),
        effective_rows=float(weight.sum() ** 2 / np.square(weight).sum()),
        uncovered=float(share @ np.where(shown, 0.0, policy).sum(axis=1)),
    )


def mean(values: Floats) -> Estimate:
    """The mean with its interval by the normal distribution."""
    value = float(values.mean())
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.inf
    return Estimate(value, value - Z_95 * error, value + Z_95 * error)


def _ratio(above: Floats, below: Floats) -> Estimate:
    """The ratio of two means, with its interval by the delta method."""
    total = float(below.sum())
    value = float(above.sum()) / total if total else 0.0
    error = float(np.sqrt(np.square(above - value * below).sum())) / total if total else np.inf
    return Estimate(value, value - Z_95 * error, value + Z_95 * error)


def _doubly_robust(log: Logged, policy: Floats, weight: Floats) -> Floats:
    """One term a row. The reward model of a row has not seen the half of the log it is in."""
    half = np.arange(len(log.reward)) % 2
    terms = np.empty(len(log.reward))
    for mine in (0, 1):
        model = _reward_model(log, half != mine, policy.shape)
        expected = (policy * model).sum(axis=1)
        rows = half == mine
        miss = log.reward[rows] - model[log.context[rows], log.action[rows]]
        terms[rows] = expected[log.context[rows]] + weight[rows] * miss
    return terms


def _reward_model(log: Logged, rows: NDArray[np.bool_], shape: tuple[int, ...]) -> Floats:
    """Mean reward per context and action, smoothed towards the action's and then the overall."""
    contexts, actions = shape
    action, reward = log.action[rows], log.reward[rows]
    overall = float(reward.mean()) if len(reward) else 0.0
    of_action = _smoothed(action, reward, actions, np.full(actions, overall))
    cell = log.context[rows] * actions + action
    return _smoothed(cell, reward, contexts * actions, np.tile(of_action, contexts)).reshape(shape)


def _smoothed(cell: Indices, reward: Floats, size: int, prior: Floats) -> Floats:
    shown = np.bincount(cell, minlength=size)
    earned = np.bincount(cell, reward, minlength=size)
    return np.asarray((earned + RATE_STRENGTH * prior) / (shown + RATE_STRENGTH), np.float64)


def numbered(*columns: NDArray[np.str_]) -> tuple[int, list[Indices]]:
    """How many values several columns hold together, and each column in one numbering of them."""
    known, codes = np.unique(np.concatenate(columns), return_inverse=True)
    ends = np.cumsum([len(column) for column in columns])[:-1]
    return len(known), list(np.split(codes.astype(np.int64), ends))
