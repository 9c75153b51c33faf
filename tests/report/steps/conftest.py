import pytest

from digitedge.report.terminal import Terminal


@pytest.fixture
def printed(capsys):
    def show(step, *, quiet=False):
        Terminal(quiet=quiet).show(step)
        return capsys.readouterr().out

    return show
