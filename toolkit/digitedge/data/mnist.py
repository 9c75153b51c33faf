"""The 70,000 MNIST digits, which ship in the package.

`mnist` is the usual split: 60,000 images to learn from, 10,000 to judge by. `mnist-kaggle` has the shape of Kaggle's
digit-recognizer competition, 42,000 and 28,000: all 70,000, the training files first, in a fixed random order.

The four original IDX files lie in `embedded/`, compressed with xz; the NOTICE beside them says whose they are.
"""

from __future__ import annotations

import lzma
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from digitedge.data.idx import parse
from digitedge.dataset import Dataset, Splits
from digitedge.errors import ContentError
from digitedge.files import sha256

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAMES = ("mnist", "mnist-kaggle")
KIND = f"the built-in {' and '.join(NAMES)}"

# Of the published files, not compressed.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
KAGGLE_SEED = 42
KAGGLE_TRAIN = 42_000

_CLASSES = tuple("0123456789")


def accepts(source: str) -> bool:
    """One of the two names, exactly."""
    return source in NAMES


def read(source: str) -> Splits:
    """The digits (n, 28, 28, 1), split as the name says.

    Raises:
        ContentError: the files in the installed package are missing or damaged.
    """
    train, test = _part("train", source), _part("t10k", source)
    return Splits(train, test) if source == "mnist" else _as_kaggle(train, test)


def unpack(packed: bytes, name: str) -> NDArray[np.uint8]:
    """The array of one embedded file.

    Args:
        packed: the IDX file, compressed with xz.
        name: a key of `SHA256`.

    Raises:
        ContentError: it is not the published file.
    """
    try:
        data = lzma.decompress(packed)
    except lzma.LZMAError as error:
        raise _damaged(name, str(error)) from error
    if sha256(data) != SHA256[name]:
        raise _damaged(name, "its SHA-256 is not that of the published file")
    return parse(data, name)


def kaggle_order() -> NDArray[np.int64]:
    """The order (70,000,) of `mnist-kaggle`: indices into the training images followed by the test images."""
    # The legacy generator on purpose: NEP 19 freezes its stream for good, while that of default_rng may change with a
    # release of NumPy. https://numpy.org/neps/nep-0019-rng-policy.html
    return np.random.RandomState(KAGGLE_SEED).permutation(70_000).astype(np.int64)


def _as_kaggle(train: Dataset, test: Dataset) -> Splits:
    images = np.concatenate([train.images, test.images])
    labels = np.concatenate([train.require_labels(), test.require_labels()])
    everything = Dataset(images, labels, _CLASSES, train.name)
    order = kaggle_order()
    return Splits(everything.take(order[:KAGGLE_TRAIN]), everything.take(order[KAGGLE_TRAIN:]))


def _part(part: str, source: str) -> Dataset:
    images, labels = _embedded(f"{part}-images-idx3-ubyte"), _embedded(f"{part}-labels-idx1-ubyte")
    return Dataset(images[..., np.newaxis], labels.astype(np.int64), _CLASSES, source)


def _embedded(name: str) -> NDArray[np.uint8]:
    try:
        packed = resources.files("digitedge.data").joinpath("embedded", f"{name}.xz").read_bytes()
    except OSError as error:
        raise _damaged(name, f"it cannot be read ({error.strerror})") from error
    return unpack(packed, name)


def _damaged(name: str, fact: str) -> ContentError:
    message = f"the embedded {name} is damaged: {fact}."
    return ContentError(message, "Reinstall digitedge: pip install --force-reinstall --no-deps digitedge")
