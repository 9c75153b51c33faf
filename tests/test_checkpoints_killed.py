"""SIGKILL at any moment of the writing leaves whole checkpoints alone."""

import json
import random
import signal
import subprocess
import sys
import time

import pytest

from digitedge.checkpoints import newest

WRITER = """
import sys
from pathlib import Path
from digitedge.checkpoints import newest, write

folder = Path(sys.argv[1])
found, remarks = newest(folder)
assert not remarks, remarks
epoch = found.epoch if found else 0
while True:
    epoch += 1
    write(folder, epoch, {"history": [epoch]}, lambda here: (here / "state").write_bytes(b"%6d" % epoch * 10_000))
    print(epoch, flush=True)
"""


def test_twenty_kills_cost_nothing_that_was_finished(tmp_path):
    moments = random.Random(0)  # noqa: S311 (moments, not secrets)
    for _ in range(20):
        with subprocess.Popen([sys.executable, "-c", WRITER, tmp_path], stdout=subprocess.PIPE, text=True) as process:
            before = process.stdout.readline()
            time.sleep(moments.uniform(0, 0.03))
            process.send_signal(signal.SIGKILL)
            finished = int((before + process.stdout.read()).split()[-1])
        found, remarks = newest(tmp_path)
        assert remarks == ()
        assert found.epoch in (finished, finished + 1), "killed before it could say that it was done"
        assert found.record == {"history": [found.epoch]}
        assert (found.path / "state").read_bytes() == b"%6d" % found.epoch * 10_000


KILLED_AT_EVERY_STEP = """
import json, os, shutil, signal, sys
from pathlib import Path
from digitedge.checkpoints import newest, write

STEPS = ("open", "os.mkdir", "os.chmod", "os.rename", "os.remove", "os.rmdir", "os.scandir", "os.listdir")
folder = Path(sys.argv[1])

def save(here):
    (here / "state").write_bytes(b"state")

def killed_after(steps):
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == signal.SIGKILL
    left = [None] * steps
    def count(event, _):
        if event in STEPS and not (left and left.pop() is None):
            os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(count)
    write(folder, 3, {}, save)
    os._exit(0)

found, killed = [], True
while killed:
    shutil.rmtree(folder, ignore_errors=True)
    for epoch in json.loads(sys.argv[2]):
        write(folder, epoch, {}, save)
    killed = killed_after(len(found))
    checkpoint, remarks = newest(folder)
    assert not remarks, remarks
    found.append(checkpoint.epoch)
    write(folder, 4, {}, save)
    assert sorted(path.name for path in folder.iterdir()) == [f"epoch-{checkpoint.epoch:04d}", "epoch-0004"]
print(json.dumps(found))
"""


@pytest.mark.parametrize("there", [[1, 2], [2, 3]])
def test_a_kill_before_any_step_of_the_writing_leaves_a_whole_checkpoint(tmp_path, there):
    """Python tells an audit hook of every step before it takes it; there the process kills itself."""
    command = [sys.executable, "-c", KILLED_AT_EVERY_STEP, tmp_path / "checkpoint", json.dumps(there)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) > 20
    assert (set(found), found[-1]) == ({2, 3}, 3)
