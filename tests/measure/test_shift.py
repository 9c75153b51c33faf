import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.measure.parity import compare
from digitedge.measure.shift import CLEAN, Shifted, guessing, holm, judged, onset

N = 1_000
LABELS = np.arange(N) % 10


def scores(wrong):
    """Scores of a network that gets the first `wrong` images wrong."""
    decided = np.where(np.arange(N) < wrong, (LABELS + 1) % 10, LABELS)
    return np.where(np.eye(10)[decided] == 1, 0.91, 0.01).astype(np.float32)


def shifts(*wrong, labels=LABELS):
    """One set for each (wrong by the original, wrong by the artefact): clean first, then noise 1, 2, ..."""
    return [
        Shifted("noise" if severity else CLEAN, severity, compare(scores(original), scores(artefact), labels))
        for severity, (original, artefact) in enumerate(wrong)
    ]


def test_an_identical_artefact_hurts_nowhere():
    rows = judged(shifts((5, 5), (100, 100), (400, 400)), 0.1, 0.001)
    assert [row.hurts for row in rows] == [False] * 3
    assert onset(rows) == {CLEAN: None, "noise": None}


def test_a_loss_beyond_chance_and_limit_hurts_from_there_on():
    rows = judged(shifts((5, 5), (100, 103), (200, 230), (300, 300), (400, 450)), 0.1, 0.001)
    assert [row.hurts for row in rows] == [False, False, True, False, True]
    assert onset(rows) == {CLEAN: None, "noise": 2}
    assert rows[2].drop == pytest.approx(0.03)
    assert (rows[2].n, rows[2].flips, rows[2].agreement) == (N, 30, 0.97)
    assert rows[2].confidence_drift == pytest.approx(0)


def test_what_the_precision_may_lose_does_not_hurt():
    wrong = (5, 5), (200, 230)
    assert judged(shifts(*wrong), 0.1, 0.03)[1].hurts is False
    assert judged(shifts(*wrong), 0.1, 0.0299)[1].hurts is True
    assert judged(shifts(*wrong), 0.1, None)[1].hurts is True


def test_a_gain_does_not_hurt():
    assert [row.hurts for row in judged(shifts((5, 5), (230, 200)), 0.1, 0.001)] == [False, False]


def test_where_the_original_guesses_nothing_is_proved():
    rows = judged(shifts((5, 5), (895, 960), (700, 765)), guessing(LABELS), 0.001)
    assert [row.both_fail for row in rows] == [False, True, False]
    assert [row.hurts for row in rows] == [False, False, True]
    # Of classes of which one is nine tenths, 90 % is no knowledge.
    assert judged(shifts((100, 100)), guessing(np.arange(10) // 9), 0.001)[0].both_fail is True


def test_without_labels_nobody_knows():
    rows = judged(shifts((5, 5), (200, 260), labels=None), None, 0.001)
    assert [(row.hurts, row.both_fail, row.accuracy, row.drop) for row in rows] == [(None,) * 4] * 2
    assert rows[1].flips == 60
    assert onset(rows) == {CLEAN: None, "noise": None}


def test_a_nan_is_a_loss_and_no_drift():
    broken = scores(200)
    broken[200:260, 3] = np.nan
    shift = Shifted("noise", 1, compare(scores(200), broken, LABELS))
    (row,) = judged([shift], 0.1, 0.001)
    assert row.hurts is True
    assert row.confidence_drift is None


def test_one_of_many_tests_needs_more_than_one_alone():
    alone = shifts((200, 207))
    among = [*alone, *shifts(*[(300, 300)] * 70)]
    assert judged(alone, 0.1, 0.001)[0].hurts is True
    assert judged(among, 0.1, 0.001)[0].hurts is False


def test_holm_by_hand():
    # 0.01 <= 0.05 / 4, 0.013 <= 0.05 / 3, 0.03 > 0.05 / 2: there it ends.
    assert holm([0.03, 0.01, 0.04, 0.013]) == [False, True, False, True]
    assert holm([]) == []
    assert holm([float("nan"), 0.001]) == [False, True]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=80))
def test_holm_finds_all_that_bonferroni_finds(p_values):
    found = holm(p_values)
    assert all(found[place] for place, p in enumerate(p_values) if p <= 0.05 / len(p_values))
    assert not any(found[place] for place, p in enumerate(p_values) if p > 0.05)


def test_false_alarms_are_as_rare_as_promised():
    random = np.random.default_rng(0)
    families = random.random((2_000, 71))
    assert sum(any(holm(family)) for family in families) / 2_000 < 0.06
    assert np.mean((families <= 0.05).any(axis=1)) > 0.9  # as it would be without a correction
