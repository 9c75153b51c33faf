import importlib.util
import lzma
import time
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from digitedge.data import mnist
from digitedge.errors import ContentError
from digitedge.files import sha256

LABELS = "t10k-labels-idx1-ubyte"
EMBEDDED = resources.files("digitedge.data") / "embedded"


@pytest.fixture(scope="module")
def digits():
    return mnist.read("mnist")


def test_mnist_is_the_usual_split(digits):
    assert digits.train.images.shape == (60_000, 28, 28, 1)
    assert digits.test.images.shape == (10_000, 28, 28, 1)
    assert digits.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert digits.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert digits.train.classes == digits.test.classes == tuple("0123456789")
    assert digits.train.name == digits.test.name == "mnist"


def test_mnist_kaggle_is_all_digits_in_the_documented_order(digits):
    kaggle = mnist.read("mnist-kaggle")
    assert (len(kaggle.train), len(kaggle.test)) == (42_000, 28_000)
    order = mnist.kaggle_order()
    images = np.concatenate([digits.train.images, digits.test.images])
    labels = np.concatenate([digits.train.labels, digits.test.labels])
    np.testing.assert_array_equal(kaggle.train.images, images[order[:42_000]])
    np.testing.assert_array_equal(kaggle.test.images, images[order[42_000:]])
    np.testing.assert_array_equal(np.concatenate([kaggle.train.labels, kaggle.test.labels]), labels[order])
    assert kaggle.train.name == "mnist-kaggle"


def test_the_order_of_mnist_kaggle_never_changes():
    order = mnist.kaggle_order()
    np.testing.assert_array_equal(np.sort(order), np.arange(70_000))
    digest = sha256(order.astype("<i8").tobytes())
    assert digest == "9924cf7744b20bf467720346be83c19e07e24a7012d47083971662fc648c3448"


def test_loading_takes_well_under_five_seconds(digits):
    start = time.perf_counter()
    mnist.read("mnist")
    assert time.perf_counter() - start < 5  # 0.6 s on an idle core of 2.45 GHz; the rest is for shared machines


def test_a_flipped_pixel_is_refused():
    data = bytearray(lzma.decompress((EMBEDDED / f"{LABELS}.xz").read_bytes()))
    data[100] ^= 1
    with pytest.raises(ContentError, match=r"its SHA-256 is not that of the published file. Reinstall digitedge"):
        mnist.unpack(lzma.compress(data), LABELS)


@pytest.mark.parametrize("position", [0, 8, 2000, 4000])
def test_a_flipped_byte_of_the_embedded_file_is_refused(position):
    packed = bytearray((EMBEDDED / f"{LABELS}.xz").read_bytes())
    packed[position] ^= 1
    with pytest.raises(ContentError, match="the embedded t10k-labels-idx1-ubyte is damaged"):
        mnist.unpack(bytes(packed), LABELS)


def test_a_truncated_embedded_file_is_refused():
    packed = (EMBEDDED / f"{LABELS}.xz").read_bytes()
    with pytest.raises(ContentError, match="the embedded t10k-labels-idx1-ubyte is damaged"):
        mnist.unpack(packed[:-20], LABELS)


def test_an_installation_without_the_files_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(mnist.resources, "files", lambda _: tmp_path)
    with pytest.raises(ContentError, match=r"train-images-idx3-ubyte is damaged: it cannot be read \(No such file"):
        mnist.read("mnist")


def test_the_notice_names_the_authors_the_licence_and_each_file():
    notice = (EMBEDDED / "NOTICE").read_text(encoding="utf-8")
    for part in ("Yann LeCun and Corinna Cortes", "CC BY-SA 3.0", *mnist.SHA256, *mnist.SHA256.values()):
        assert part in notice


@pytest.fixture(scope="module")
def embed_mnist():
    path = Path(__file__).parents[2] / "benchmarks/embed_mnist.py"
    spec = importlib.util.spec_from_file_location("embed_mnist", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_script_that_embeds_writes_the_published_bytes(embed_mnist, digits):
    data = embed_mnist.as_idx(digits.test.labels.astype(np.uint8))
    assert sha256(data) == mnist.SHA256[LABELS]
    packed = embed_mnist.pack(data)
    assert packed == embed_mnist.pack(data)
    np.testing.assert_array_equal(mnist.unpack(packed, LABELS), digits.test.labels)


def test_the_script_that_embeds_refuses_other_digits(embed_mnist, digits, tmp_path):
    source = tmp_path / "mnist.npz"
    train, test = digits.train, digits.test
    np.savez(source, x_train=train.images, y_train=train.labels, x_test=test.images, y_test=test.labels)
    with pytest.raises(ContentError, match="x_train is not the published train-images-idx3-ubyte"):
        embed_mnist.embed(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()
