from dataclasses import replace

import numpy as np
import pytest

from digitedge.analysis import integers
from digitedge.analysis.integers import affordable
from digitedge.export.quantize import choosing
from digitedge.export.quantize.choosing import Candidate, Judged, best, choose, decisions
from digitedge.export.quantize.recipes import RECIPES

BY_NAME = {recipe.name: recipe for recipe in RECIPES}


def candidate(name, *, flips=0, sqnr_db=35.0, saturating=()):
    reference = np.zeros(2_000, np.int64)
    judged = None if saturating else Judged(reference, (np.arange(2_000) < flips).astype(np.int64), None)
    return Candidate(BY_NAME[name], None, {}, saturating, judged, sqnr_db)


def chosen(*made):
    return best(made).recipe.name


def test_the_first_of_those_that_decide_alike_is_taken():
    assert chosen(candidate("s7-channel"), candidate("u8-channel")) == "s7-channel"


def test_more_decisions_kept_are_better():
    assert chosen(candidate("s7-channel", flips=20), candidate("u8-channel", flips=1)) == "u8-channel"


def test_a_flip_more_is_chance_and_less_noise_is_not():
    noisy, quiet = candidate("s7-tensor", flips=0, sqnr_db=28.0), candidate("s7-channel", flips=2, sqnr_db=34.6)
    assert chosen(noisy, quiet) == "s7-channel"
    assert chosen(noisy, replace(quiet, judged=candidate("s7-channel", flips=9).judged)) == "s7-tensor"


def test_less_than_half_the_noise_is_better():
    assert chosen(candidate("s7-channel", sqnr_db=30.0), candidate("u8-channel", sqnr_db=32.9)) == "s7-channel"
    assert chosen(candidate("s7-channel", sqnr_db=30.0), candidate("u8-channel", sqnr_db=33.1)) == "u8-channel"


def test_no_noise_at_all_is_the_least():
    assert chosen(candidate("s7-channel", sqnr_db=90.0), candidate("u8-channel", sqnr_db=None)) == "u8-channel"


def test_one_that_could_saturate_is_never_taken():
    best_but_unsafe = candidate("s8-channel", sqnr_db=None, saturating=("conv1/weights",))
    assert chosen(best_but_unsafe, candidate("s7-channel", flips=500, sqnr_db=3.0)) == "s7-channel"


@pytest.fixture(scope="module")
def made(prepared, images):
    return choose(prepared, images.calibration, images.held_out)[1]


def test_every_recipe_is_carried_out_and_judged_unless_it_saturates(made):
    assert [one.recipe for one in made] == list(RECIPES)
    assert [one.recipe.name for one in made if one.judged is None] == ["s8-channel"]
    for one in made[1:]:
        assert one.judged.alike.shape == (100,)
        assert one.judged.alike.all(), "the tiny network decides with a wide margin"
        assert 15.0 < one.sqnr_db < 60.0


def test_a_scale_for_each_channel_makes_less_noise_than_one_for_all(made):
    by_name = {one.recipe.name: one.sqnr_db for one in made}
    assert by_name["s7-channel"] > by_name["s7-tensor"]
    assert by_name["u8-channel"] > by_name["s7-channel"]


def test_the_facts_of_a_candidate_are_json(made):
    assert made[0].facts() == {
        "name": "s8-channel", "saturates": True, "agreement_here": None, "agreement_in_integers": None, "sqnr_db": None,
        "size_bytes": made[0].model.ByteSize(),
    }  # fmt: skip
    assert (made[1].facts()["agreement_here"], made[1].facts()["agreement_in_integers"]) == (1.0, 1.0)
    assert (made[2].facts()["agreement_here"], made[2].facts()["agreement_in_integers"]) == (1.0, None)


def test_the_best_is_the_best_in_exact_integers_too(prepared, images, monkeypatch):
    asked = []

    def wrong_at_first(model, images):
        asked.append(model)
        return np.eye(10)[(decisions(prepared, images) + (len(asked) <= 2)) % 10]

    monkeypatch.setattr(choosing, "evaluate", wrong_at_first)
    chosen, made = choose(prepared, images.calibration, images.held_out)
    assert len(asked) == 3
    facts = {one["name"]: one["agreement_in_integers"] for one in (one.facts() for one in made)}
    assert facts.pop(chosen.recipe.name) == 1.0
    assert sorted(agreement for agreement in facts.values() if agreement is not None) == [0.0, 0.0]


def test_a_decision_counts_only_where_both_kinds_of_cpu_keep_it():
    reference, other = np.array([0, 1, 2, 3]), np.array([0, 9, 2, 3])
    assert Judged(reference, other, None).alike.tolist() == [True, False, True, True]
    assert Judged(reference, reference, other).alike.tolist() == [True, False, True, True]
    assert Judged(reference, other, np.array([9, 1, 2, 3])).alike.tolist() == [False, False, True, True]


def test_a_large_network_is_judged_on_fewer_images(prepared, monkeypatch):
    macs = 6 * 24 * 24 * 25 + 8 * 4 * 4 * 54 + 128 * 10
    assert affordable(prepared) == 2 * 10**10 // macs
    monkeypatch.setattr(integers, "multiply_accumulates", lambda model: {"conv": 10**9})
    assert affordable(prepared) == 100
