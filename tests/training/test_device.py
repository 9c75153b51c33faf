import json
import subprocess
import sys

import pytest
import tensorflow as tf

from digitedge.cluster import Cluster
from digitedge.config import TrainConfig
from digitedge.errors import ContentError, NotPresentError, UsageError
from digitedge.training import device
from digitedge.training.device import Placement, choose, require_even

ONE, THREE = ["GPU:0"], ["GPU:0", "GPU:1", "GPU:2"]
INSTALL = "Install digitedge[train-cuda] and the driver, or take --device cpu."


@pytest.fixture
def gpus(monkeypatch):
    """gpus(names) has TensorFlow see these."""
    return lambda names: monkeypatch.setattr(device, "_gpus", lambda: list(names))


@pytest.mark.parametrize("name", ["auto", "cpu", "gpu", "gpu:0", "gpu:12", "all"])
def test_the_names_of_devices(name):
    assert TrainConfig(device=name).device == name


@pytest.mark.parametrize("name", ["", "GPU", "cuda", "gpu:", "gpu:x", "gpu:-1", "gpu:1234", "gpu 1", "tpu", "all "])
def test_other_names_are_refused_with_those_that_there_are(name):
    with pytest.raises(UsageError) as caught:
        TrainConfig(device=name)
    assert str(caught.value) == f"--device is {name or 'empty'}. It must be auto, cpu, gpu, gpu:N or all."


@pytest.mark.parametrize("name", ["auto", "cpu"])
def test_without_a_gpu_it_is_the_cpu(gpus, name):
    gpus([])
    found = choose(name)
    assert (found.name, found.device, found.jit) == ("CPU", "CPU", False)
    assert (found.replicas, found.local_replicas, found.workers, found.rank, found.towers) == (1, 1, 1, 0, 1)


@pytest.mark.parametrize("name", ["gpu", "gpu:1", "all"])
def test_a_gpu_that_is_not_there_is_4_with_the_cure(gpus, digitedge, tmp_path, name):
    gpus([])
    with pytest.raises(NotPresentError) as caught:
        choose(name)
    assert str(caught.value) == f"--device {name}: TensorFlow sees no GPU. {INSTALL}"
    ended = digitedge("train", "--device", name)
    assert (ended.code, ended.out, ended.error) == (4, "", f"--device {name}: TensorFlow sees no GPU. {INSTALL}")
    assert not list(tmp_path.glob("runs/*"))


@pytest.mark.parametrize(
    ("name", "there", "expected"),
    [("auto", ONE, 0), ("gpu", ONE, 0), ("gpu:0", ONE, 0), ("all", ONE, 0), ("auto", THREE, 0), ("gpu:2", THREE, 2)],
)
def test_one_gpu_is_named_and_xla_compiles_for_it(gpus, name, there, expected):
    gpus(there)
    found = choose(name)
    assert (found.name, found.device, found.jit) == (f"GPU:{expected}", f"GPU:{expected}", True)
    assert found.strategy is tf.distribute.get_strategy()


def test_the_cpu_is_the_cpu_where_there_are_gpus(gpus):
    gpus(THREE)
    assert choose("cpu").name == "CPU"


def test_all_of_several_share_every_batch(gpus, monkeypatch):
    asked = []
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", asked.append)
    gpus(THREE)
    found = choose("all")
    assert asked == [THREE]
    assert (found.name, found.device, found.jit) == ("3 x GPU", None, True)


@pytest.mark.parametrize(("there", "which"), [(ONE, "1 GPU. It is gpu:0"), (THREE, "3 GPUs. They are gpu:0 to gpu:2")])
def test_a_number_too_high_names_those_that_there_are(gpus, there, which):
    gpus(there)
    with pytest.raises(NotPresentError) as caught:
        choose("gpu:3")
    assert str(caught.value) == f"--device gpu:3: TensorFlow sees {which}."


@pytest.mark.parametrize(
    ("name", "there", "where", "visible"),
    [
        ("auto", [], "CPU, worker 1 of 2", []),
        ("cpu", THREE, "CPU, worker 1 of 2", []),
        ("auto", THREE, "GPU, worker 1 of 2", ["GPU:0"]),
        ("gpu:2", THREE, "GPU, worker 1 of 2", ["GPU:2"]),
        ("all", THREE, "3 x GPU, worker 1 of 2", THREE),
    ],
)
def test_one_of_several_workers_sees_the_gpus_that_it_is_to_use(gpus, monkeypatch, name, there, where, visible):
    gpus(there)
    seen, task = [], {"type": "worker", "index": 1}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"worker": ["a:1", "b:1"]}, "task": task}))
    monkeypatch.setattr(tf.config, "set_visible_devices", lambda chosen, kind: seen.append((chosen, kind)))
    monkeypatch.setattr(device, "cluster_strategy", lambda found: found)
    found = choose(name)
    assert seen == [(visible, "GPU")]
    assert (found.name, found.device, found.jit) == (where, None, bool(visible))
    assert (found.cluster, found.rank, found.workers) == (Cluster(2, 1), 1, 2)


class Sums:
    """A strategy whose other replicas have these numbers."""

    num_replicas_in_sync = 3

    def __init__(self, *others):
        self.others = others

    def run(self, function, arguments):
        return function(*arguments)

    def reduce(self, how, value, axis):
        assert (how, axis) == ("SUM", None)
        return value + sum(self.others)


TOGETHER = Cluster(workers=3, rank=0)


def placed(*others, cluster=TOGETHER):
    return Placement("CPU", Sums(*others), None, jit=False, cluster=cluster)


def test_workers_go_on_after_the_same_epoch_or_not_at_all():
    placed(4, 4).require_same(4)
    placed(3, 4, cluster=None).require_same(4)
    for others in ((4, 0), (5, 4)):
        with pytest.raises(ContentError) as caught:
            placed(*others).require_same(4)
        assert str(caught.value) == (
            "this worker goes on after epoch 4, another one does not. "
            "Name one folder with --out that every worker can read."
        )


@pytest.mark.parametrize(
    ("reason", "others", "expected"),
    [
        (None, (0, 0), None),
        ("time", (0, 0), "time"),
        ("time", (1, 1), "time"),
        (None, (0, 1), "another worker ended the training"),
    ],
)
def test_where_one_worker_ends_all_of_them_do(reason, others, expected):
    """Else the others would wait for it in the first step of the next epoch."""
    assert placed(*others).agreed(reason) == expected
    assert placed(1, cluster=None).agreed(reason) == reason


@pytest.mark.parametrize(("batch_size", "replicas"), [(128, 1), (128, 2), (7, 1), (3, 3)])
def test_a_batch_that_can_be_shared(batch_size, replicas):
    require_even(batch_size, replicas)


def test_a_batch_that_cannot_be_shared_is_refused():
    with pytest.raises(UsageError) as caught:
        require_even(128, 3)
    assert str(caught.value) == "--batch-size 128 cannot be shared evenly by 3 devices. Choose a multiple of 3."


TWO_DEVICES = """
import json, sys
import tensorflow as tf

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import tf_keras as keras
from digitedge.config import TrainConfig
from digitedge.data.loading import load
from digitedge.errors import UsageError
from digitedge.report.progress import Silent
from digitedge.training.device import choose, mirrored
from digitedge.training.fit import fit

digits = load(sys.argv[1]).train
train, validation = digits.take(slice(200)), digits.take(slice(200, 300))
L = keras.layers

def history(placement, batch_size=20, **changes):
    keras.utils.set_random_seed(0)
    with placement.strategy.scope():
        first = [L.Conv2D(4, 5, strides=2, activation="relu"), L.Flatten()]
        network = keras.Sequential([L.Input((28, 28, 1)), *first, L.Dense(10, activation="softmax")])
    config = TrainConfig(augment="digits", epochs=3, batch_size=batch_size, **changes)
    return fit(network, train, validation, config, Silent(), placement=placement).history

two = mirrored(["CPU:0", "CPU:1"])
try:
    history(two, batch_size=25)
except UsageError as error:
    refused = str(error)
print(json.dumps({
    "one": history(choose("cpu")),
    "two": history(two),
    "half": history(two, batch_size=10),
    "float16": history(two, precision="float16", patience=1),
    "name": two.name,
    "refused": refused,
}))
"""


@pytest.fixture(scope="module")
def two_devices(tiny_data):
    """What a process says whose CPU is two devices: TensorFlow divides it only before it starts."""
    command = [sys.executable, "-W", "error::ResourceWarning", "-c", TWO_DEVICES, tiny_data]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert "Exception ignored" not in done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("figure", ["loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"])
def test_two_devices_learn_what_one_does(two_devices, figure):
    assert two_devices["two"][figure] == pytest.approx(two_devices["one"][figure], rel=1e-4)
    assert two_devices["two"]["loss"][-1] < 0.9 * two_devices["two"]["loss"][0]
    assert two_devices["half"]["loss"] != pytest.approx(two_devices["one"]["loss"], rel=1e-2), "it can be told apart"


def test_two_devices_scale_the_loss_as_one_does(two_devices):
    assert two_devices["float16"]["loss"] == pytest.approx(two_devices["one"]["loss"], rel=1e-2)


def test_two_devices_are_named_and_refuse_a_batch_that_they_cannot_share(two_devices):
    assert two_devices["name"] == "2 x CPU"
    assert two_devices["refused"] == "--batch-size 25 cannot be shared evenly by 2 devices. Choose a multiple of 2."
