"""Settings that reach the session, and lines that do the same."""

from dataclasses import asdict

import onnxruntime
import pytest

from digitedge.bench.target import floor_of
from digitedge.runtime import onnx
from digitedge.runtime.session_settings import LAYOUT_REWRITES, SessionSettings

USUAL = SessionSettings()
EVERYTHING = SessionSettings(2, spinning=False, arena=False, pattern=False, level="extended", layout="plain")
SINGLE = [
    SessionSettings(threads=2),
    SessionSettings(spinning=False),
    SessionSettings(arena=False),
    SessionSettings(pattern=False),
    SessionSettings(level="extended"),
    SessionSettings(layout="plain"),
]


def spinning(options):
    """What was asked for; None where nothing was, which onnxruntime tells by a RuntimeError."""
    try:
        return options.get_session_config_entry("session.intra_op.allow_spinning")
    except RuntimeError:
        return None


def applied(settings):
    options = onnxruntime.SessionOptions()
    more = settings.apply(options)
    return (
        options.intra_op_num_threads,
        spinning(options),
        options.enable_cpu_mem_arena,
        options.enable_mem_pattern,
        options.graph_optimization_level.name,
        tuple(more.get("disabled_optimizers", ())),
    )


def test_everything_reaches_the_session():
    assert applied(USUAL) == (1, None, True, True, "ORT_ENABLE_ALL", ())
    assert applied(EVERYTHING) == (2, "0", False, False, "ORT_ENABLE_EXTENDED", LAYOUT_REWRITES)


@pytest.mark.parametrize("settings", SINGLE)
def test_each_setting_alone_changes_one_thing(settings):
    changed = [one != other for one, other in zip(applied(settings), applied(USUAL), strict=True)]
    assert sum(changed) == 1
    assert sum(asdict(settings)[name] != value for name, value in asdict(USUAL).items()) == 1


@pytest.mark.parametrize("settings", [USUAL, EVERYTHING, *SINGLE])
def test_the_lines_to_paste_open_a_session_with_these_settings(settings):
    lines = settings.code(str(floor_of("onnx").path))
    names = {"onnxruntime": onnxruntime}
    exec(lines, names)  # noqa: S102 (our own lines: whoever pastes them does the same)
    assert names["session"].get_providers() == ["CPUExecutionProvider"]
    found = names["options"]
    assert found.intra_op_num_threads == settings.threads
    assert (found.enable_cpu_mem_arena, found.enable_mem_pattern) == (settings.arena, settings.pattern)
    assert spinning(found) == (None if settings.spinning else "0")
    assert ("disabled_optimizers" in lines) is (settings.layout == "plain")
    assert ("ORT_ENABLE_EXTENDED" in lines) is (settings.level == "extended")


def test_the_words_name_what_is_not_usual():
    assert USUAL.words() == "1 thread"
    assert EVERYTHING.words() == (
        "2 threads, no spinning, no arena, no memory pattern, graph level extended, plain layout"
    )
    assert len({settings.words() for settings in (USUAL, EVERYTHING, *SINGLE)}) == len(SINGLE) + 2


def test_a_file_loads_with_them(tiny_run):
    seen = []

    def configure(options):
        seen.append(options.intra_op_num_threads)  # what the caller asked for stands already
        return EVERYTHING.apply(options)

    model = onnx.load(tiny_run / "tiny.fp32.onnx", threads=1, configure=configure)
    options = model.session.get_session_options()
    assert seen == [1]
    assert options.intra_op_num_threads == 2
    assert not options.enable_cpu_mem_arena
