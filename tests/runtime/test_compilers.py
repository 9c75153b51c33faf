import pytest

from digitedge.errors import NotPresentError, UnknownNameError
from digitedge.runtime import compilers


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """machine(gcc="gcc (Debian 12.2.0-14) 12.2.0") makes these compilers the only programs that there are."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)

    def hold(**programs):
        for name, says in programs.items():
            (tmp_path / name).write_text(f"#!/bin/sh\necho '{says}'\n")
            (tmp_path / name).chmod(0o700)

    return hold


@pytest.mark.parametrize(
    ("there", "named", "expected"),
    [
        (["gcc", "clang", "cc"], None, ("gcc", "clang")),
        (["clang", "cc"], None, ("clang",)),
        (["cc"], None, ("cc",)),
        ([], None, ()),
        (["gcc", "clang"], "clang", ("clang", "gcc")),
        (["gcc", "clang"], "gcc -DX", ("gcc -DX", "gcc", "clang")),
        (["gcc", "clang"], "icx", ("gcc", "clang")),
        (["gcc"], " ", ("gcc",)),
    ],
)
def test_each_compiler_that_is_there_is_found_the_default_first(machine, monkeypatch, there, named, expected):
    machine(**dict.fromkeys(there, "x 1.0"))
    if named is not None:
        monkeypatch.setenv("CC", named)
    assert compilers.found() == expected
    if expected and named != "icx":
        assert compilers.command_of(None) == expected[0].split()
    assert [compilers.command_of(name) for name in expected] == [name.split() for name in expected]


def test_one_that_cc_names_and_that_is_missing_is_not_replaced(machine, monkeypatch):
    machine(gcc="x 1.0")
    monkeypatch.setenv("CC", "icx -O2")
    with pytest.raises(NotPresentError, match=r"icx is not installed; .* name yours in the environment: CC=clang"):
        compilers.command_of(None)


def test_one_that_was_named_and_is_missing_is_said(machine):
    machine(gcc="x 1.0")
    with pytest.raises(NotPresentError, match=r"clang is not installed; .* Install clang, or leave it out\."):
        compilers.command_of("clang")


def test_a_name_that_is_none_is_answered_with_the_choices(machine):
    machine(gcc="x 1.0")
    with pytest.raises(
        UnknownNameError, match=r"unknown engine: glang\. Did you mean clang\? Choose from: cc, clang, g"
    ):
        compilers.command_of("glang")


def test_without_any_the_cure_is_said(machine):
    with pytest.raises(NotPresentError, match=r"cc is not installed; .* Install gcc or clang, or name yours"):
        compilers.command_of(None)


@pytest.mark.parametrize(
    ("name", "says", "told"),
    [
        ("gcc", "gcc (Debian 12.2.0-14+deb12u1) 12.2.0", "gcc 12.2.0"),
        ("cc", "cc (Ubuntu 9.4.0-1ubuntu1~20.04.2) 9.4.0", "cc 9.4.0"),
        ("clang", "Debian clang version 14.0.6", "clang 14.0.6"),
        ("clang", "Ubuntu clang version 18.1.3 (1ubuntu1)", "clang 18.1.3"),
        ("gcc", "Apple clang version 15.0.0 (clang-1500.3.9.4)", "clang 15.0.0"),
        ("tcc", "tcc", "tcc"),
    ],
)
def test_its_version_is_told_for_people(machine, name, says, told):
    machine(**{name: says})
    assert compilers.described([name, "-DX"]) == told


def test_the_compilers_of_this_machine_say_their_version():
    assert compilers.found(), "no .c file was run by any test"
    for name in compilers.found():
        assert compilers.described(compilers.command_of(name)).split()[1][0].isdigit()


def test_each_compiler_gives_scores_of_its_own_making(every_file, tiny_golden, monkeypatch):
    import numpy as np

    from digitedge.data.preprocess import to_unit
    from digitedge.runtime.loading import engines_of, load

    monkeypatch.delenv("CC", raising=False)
    path, images = every_file / "tiny.int8.c", to_unit(tiny_golden.images)
    models = [load(path, engine=name) for name in engines_of(path)]
    assert [model.engine.split()[0] for model in models] == list(engines_of(path))
    for model in models:
        np.testing.assert_array_equal(model(images).argmax(axis=1), tiny_golden.scores.argmax(axis=1))
