import json
import os
import subprocess
import sys
import textwrap

import pytest
import tensorflow as tf

from digitedge.errors import NotPresentError, UsageError
from digitedge.training.device import choose, require_even


@pytest.fixture
def gpus(monkeypatch):
    """gpus(n): TensorFlow sees so many, and what it is asked to do with them is written down."""
    asked = []

    def see(number):
        found = [f"gpu {index}" for index in range(number)]
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: found if kind == "GPU" else [])
        monkeypatch.setattr(tf.config.experimental, "get_memory_growth", lambda gpu: False)
        monkeypatch.setattr(
            tf.config.experimental, "set_memory_growth", lambda gpu, enable: asked.append((gpu, enable))
        )
        monkeypatch.setattr(tf.distribute, "MirroredStrategy", lambda devices: ("mirrored", devices))
        return asked

    return see


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_without_a_gpu_it_is_the_cpu(gpus, device):
    gpus(0)
    placement = choose(device)
    assert (placement.name, placement.device, placement.jit, placement.towers) == ("CPU", "CPU", False, 1)
    assert (placement.replicas, placement.local_replicas, placement.rank, placement.workers) == (1, 1, 0, 1)


def test_the_cpu_is_taken_where_it_is_named(gpus):
    asked = gpus(2)
    assert choose("cpu").name == "CPU"
    assert asked == [], "the GPUs are left alone"


@pytest.mark.parametrize(
    ("device", "name"), [("auto", "GPU:0"), ("gpu", "GPU:0"), ("gpu:0", "GPU:0"), ("gpu:1", "GPU:1")]
)
def test_a_gpu_is_named_by_its_number_and_compiles(gpus, device, name):
    asked = gpus(2)
    placement = choose(device)
    assert (placement.name, placement.device, placement.jit, placement.replicas) == (name, name, True, 1)
    assert asked == [("gpu 0", True), ("gpu 1", True)], "memory is taken as it is needed"


def test_all_of_one_is_that_one_and_all_of_several_share_each_batch(gpus):
    gpus(1)
    assert choose("all").device == "GPU:0"
    gpus(3)
    placement = choose("all")
    assert (placement.name, placement.device, placement.jit) == ("3 x GPU", None, True)
    assert placement.strategy == ("mirrored", ["GPU:0", "GPU:1", "GPU:2"])


@pytest.mark.parametrize("device", ["gpu", "gpu:0", "gpu:1", "all"])
def test_a_gpu_that_is_not_there_is_no_cpu_instead(gpus, device):
    gpus(0)
    with pytest.raises(NotPresentError, match=rf"--device {device}: TensorFlow sees no GPU\. Install .* --device cpu"):
        choose(device)


def test_a_number_too_high_is_told_with_those_that_there_are(gpus):
    gpus(2)
    with pytest.raises(NotPresentError, match=r"--device gpu:2: TensorFlow sees 2 GPU\. They are gpu:0 to gpu:1\."):
        choose("gpu:2")


def test_what_tensorflow_sees_here_is_what_is_chosen():
    assert choose("auto").name == ("GPU:0" if tf.config.list_physical_devices("GPU") else "CPU")


def test_a_cluster_that_cannot_be_understood_is_refused(gpus, monkeypatch):
    gpus(0)
    monkeypatch.setenv("TF_CONFIG", "{")
    with pytest.raises(UsageError, match="TF_CONFIG cannot be understood"):
        choose("auto")


def test_figures_of_one_replica_are_their_own_sum():
    placement = choose("cpu")
    found = placement.strategy.run(lambda: (placement.local_rank(), tf.constant(2.5)))
    rank, figure = placement.sum_of(found)
    assert (int(rank), float(figure)) == (0, 2.5)
    placement.require_same(7)


@pytest.mark.parametrize(("batch_size", "replicas"), [(8, 1), (8, 2), (25, 5)])
def test_a_batch_is_shared_evenly(batch_size, replicas):
    require_even(batch_size, replicas)


def test_or_not_at_all():
    with pytest.raises(
        UsageError, match=r"--batch-size 8 cannot be shared evenly by 3 devices\. Choose a multiple of 3"
    ):
        require_even(8, 3)


TWO = """
    import json
    import numpy as np, tensorflow as tf, tf_keras as keras
    cpu, = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    from digitedge.config import TrainConfig
    from digitedge.dataset import Dataset
    from digitedge.report.progress import Silent
    from digitedge.training.device import choose, mirrored
    from digitedge.training.fit import fit

    rng = np.random.default_rng(0)
    data = Dataset(rng.integers(0, 256, (30, 6, 5, 1), np.uint8), rng.integers(0, 4, 30), tuple("abcd"), "some")

    def trained(placement):
        keras.utils.set_random_seed(0)
        with placement.strategy.scope():
            layers = keras.layers
            dense = layers.Dense(4, activation="softmax", kernel_regularizer="l2")
            network = keras.Sequential([layers.Input((6, 5, 1)), layers.Flatten(), dense])
        config = TrainConfig(
            epochs=1, batch_size=6, learning_rate=0.01, optimizer="adamw", augment="photo", average_decay=0.5
        )
        done = fit(network, data, data, config, Silent(), placement=placement)
        return {"name": placement.name, "history": done.history, "weights": network.get_weights()[0].tolist()}

    for placement in (choose("cpu"), mirrored(["CPU:0", "CPU:1"])):
        print(json.dumps(trained(placement)))
"""


def test_two_devices_learn_what_one_does(tmp_path):
    """In a process of its own: TensorFlow divides a CPU in two before its first computation alone."""
    script = tmp_path / "two.py"
    script.write_text(textwrap.dedent(TWO))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    one, two = map(json.loads, done.stdout.splitlines())
    assert (one["name"], two["name"]) == ("CPU", "2 x CPU")
    assert two["weights"] == [pytest.approx(row, abs=1e-5) for row in one["weights"]]
    for name in set(one["history"]) - {"seconds"}:
        assert two["history"][name] == pytest.approx(one["history"][name], rel=1e-4)
