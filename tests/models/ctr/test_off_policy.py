import numpy as np
import pytest

from models.ctr.off_policy import Logged, evaluate, mean, numbered, policy_from_log

CONTEXTS, ACTIONS = 3, 8
TRUTH = np.random.default_rng(2).uniform(0.02, 0.3, (CONTEXTS, ACTIONS))


def ran(policy, rows: int, seed: int) -> Logged:
    rng = np.random.default_rng(seed)
    context = rng.integers(0, CONTEXTS, rows)
    action = np.array([rng.choice(ACTIONS, p=policy[c]) for c in context])
    reward = (rng.random(rows) < TRUTH[context, action]).astype(np.float64)
    return Logged(context, action, policy[context, action], reward)


UNIFORM = np.full((CONTEXTS, ACTIONS), 1 / ACTIONS)
GREEDY = np.exp(12 * TRUTH) / np.exp(12 * TRUTH).sum(axis=1, keepdims=True)
WORTH = float((GREEDY * TRUTH).sum(axis=1).mean())


def test_each_estimator_finds_what_another_policy_earns() -> None:
    found = evaluate(ran(UNIFORM, 20_000, 0), GREEDY)
    for estimate in (found.ips, found.snips, found.doubly_robust):
        assert estimate.low < WORTH < estimate.high
        assert estimate.value == pytest.approx(WORTH, rel=0.1)
    assert not found.logged.low < WORTH < found.logged.high


def test_intervals_hold_the_truth_about_95_times_in_100() -> None:
    reports = [evaluate(ran(UNIFORM, 1_500, seed), GREEDY) for seed in range(120)]
    for name in ("ips", "snips", "doubly_robust"):
        held = [getattr(r, name).low < WORTH < getattr(r, name).high for r in reports]
        assert 0.88 <= np.mean(held) <= 1.0


def test_the_running_policy_itself_is_estimated_by_its_own_mean() -> None:
    log = ran(GREEDY, 3_000, 1)
    found = evaluate(log, GREEDY)
    assert found.ips.value == pytest.approx(found.logged.value)
    assert found.snips.value == pytest.approx(found.logged.value)
    assert found.effective_rows == pytest.approx(3_000)


def test_self_normalising_keeps_the_estimate_within_what_rewards_can_be() -> None:
    log = Logged(np.zeros(2, int), np.array([0, 1]), np.array([0.01, 0.99]), np.array([1.0, 0.0]))
    found = evaluate(log, np.array([[0.9, 0.1]]))
    assert found.ips.value > 1
    assert found.snips.value <= 1


def test_choices_the_log_never_shows_are_told() -> None:
    log = Logged(np.zeros(4, int), np.zeros(4, int), np.ones(4), np.ones(4))
    assert evaluate(log, np.array([[0.3, 0.7]])).uncovered == pytest.approx(0.7)


def test_a_policy_is_read_off_its_log() -> None:
    found = policy_from_log(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), 2, 2, pseudo=0.0)
    assert found == pytest.approx(np.array([[2 / 3, 1 / 3], [0, 1]]))


def test_a_policy_read_off_a_short_log_rules_nothing_out() -> None:
    assert policy_from_log(np.array([0]), np.array([0]), 2, 3).min() > 0


@pytest.mark.parametrize("propensity", [0.0, -0.1, 1.2, float("nan")])
def test_a_propensity_that_is_none_is_refused(propensity: float) -> None:
    log = Logged(np.zeros(1, int), np.zeros(1, int), np.array([propensity]), np.zeros(1))
    with pytest.raises(ValueError, match="propensity"):
        evaluate(log, np.array([[1.0]]))


def test_an_empty_log_is_refused() -> None:
    empty = np.empty(0)
    with pytest.raises(ValueError, match="no rows"):
        evaluate(Logged(empty.astype(int), empty.astype(int), empty, empty), np.ones((1, 1)))


def test_columns_of_several_logs_get_one_numbering() -> None:
    values, (first, second) = numbered(np.array(["b", "a"]), np.array(["c", "b", "b"]))
    assert values == 3
    assert first.tolist() == [1, 0]
    assert second.tolist() == [2, 1, 1]


def test_a_mean_of_one_row_has_no_bounds() -> None:
    assert mean(np.array([1.0])).high == np.inf
