import io
import itertools
import sys

import pytest

from digitedge.report.progress import Line, Log, Pace, Silent, training
from digitedge.report.terminal import Terminal

FIGURES = {
    "loss": 0.1,
    "accuracy": 0.98,
    "val_loss": 0.05,
    "val_accuracy": 0.991,
    "learning_rate": 1e-3,
    "seconds": 2.0,
}


class Tty(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def tty(monkeypatch):
    """Makes standard error a terminal; within the test itself, since pytest sets its own stream after the fixtures."""

    def become(term="xterm-256color"):
        monkeypatch.setenv("TERM", term)
        monkeypatch.setenv("COLUMNS", "120")
        monkeypatch.setattr(sys, "stderr", stream := Tty())
        return stream

    return become


def train(watch, epochs=2, steps=3):
    watch.begin(epochs, steps, 100)
    for epoch in range(1, epochs + 1):
        for step in range(1, steps + 1):
            watch.step(epoch, step, 1.0 / step)
        watch.end_epoch(epoch, FIGURES)
    watch.finish()


def test_a_log_file_gets_one_line_an_epoch_without_control_characters(capsys):
    watch = training(Terminal(), now=itertools.count().__next__)
    assert isinstance(watch, Log)
    train(watch)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" · ")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert lines[0].split(" · ")[1:6] == ["loss 0.1000", "accuracy 98.00 %", "val loss 0.0500", "val 99.10 %", "2.0 s"]
    assert lines[0].endswith(" left")
    assert not lines[1].endswith(" left")
    assert all(line.isprintable() for line in lines)


def test_json_leaves_progress_on_standard_error(capsys):
    train(training(Terminal(json=True)))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "epoch 2/2" in captured.err


def test_quiet_says_nothing(capsys):
    watch = training(Terminal(quiet=True))
    assert isinstance(watch, Silent)
    train(watch)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_one_line_that_is_redrawn_and_wiped(tty):
    stream = tty()
    watch = training(Terminal(), now=itertools.count().__next__)
    assert isinstance(watch, Line)
    watch.begin(2, 3, 100)
    watch.step(1, 1, 0.9)
    watch.step(1, 2, 0.8)
    watch.end_epoch(1, FIGURES)
    watch.step(2, 1, 0.7)
    watch._bar.refresh()
    drawn = stream.getvalue()
    watch.finish()
    for part in (" train    epoch 2/2", "loss 0.700", "val 99.10 %", "images/s"):
        assert part in drawn
    assert "\n" not in drawn.rstrip("\n")
    assert stream.getvalue().endswith("\x1b[2K")


def test_finishing_twice_or_before_the_beginning_does_no_harm(tty):
    tty()
    watch = training(Terminal())
    assert isinstance(watch, Line)
    watch.finish()
    watch.begin(1, 1, 1)
    watch.finish()
    watch.finish()
    watch.step(1, 1, 0.5)


def test_a_dumb_terminal_is_a_log_file(tty):
    tty("dumb")
    assert isinstance(training(Terminal()), Log)


def test_the_pace_leaves_the_first_step_out():
    times = iter([100.0, 100.0, 102.0, 104.0])
    pace = Pace(epochs=2, steps=4, batch_size=10, now=lambda: next(times))
    assert pace.at(1, 1) == (None, None)
    assert pace.at(1, 2) == (5.0, 12.0)
    speed, left = pace.at(2, 4)
    assert left == 0
    assert speed == pytest.approx(17.5)
