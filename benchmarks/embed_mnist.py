"""Makes the embedded MNIST files: the four original IDX files, each compressed with xz.

    python benchmarks/embed_mnist.py mnist.npz

`mnist.npz` has the layout that Keras made usual: x_train, y_train, x_test, y_test, all uint8. Nothing is written unless
the SHA-256 of each file is that of the one published. The same liblzma gives the same bytes each time; those in the
repository are from liblzma 5.4.1. About a minute on one core.

Tried for these 55 MB: xz as below 9,186,216 bytes, xz with preset 9e alone 9,203,564, bzip2 9,787,352, gzip 11,266,055.
lc=4 lets the coder see more of the pixel before it, pb=0 says that nothing is aligned.
"""

import argparse
import lzma
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitedge.data.mnist import SHA256
from digitedge.errors import ContentError
from digitedge.files import sha256, write_bytes

EMBEDDED = Path(__file__).parents[1] / "toolkit/digitedge/data/embedded"
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 4, "lp": 0, "pb": 0}]
KEYS = {
    "train-images-idx3-ubyte": "x_train",
    "train-labels-idx1-ubyte": "y_train",
    "t10k-images-idx3-ubyte": "x_test",
    "t10k-labels-idx1-ubyte": "y_test",
}


def as_idx(array: NDArray[np.uint8]) -> bytes:
    """The IDX file of a uint8 array of any shape: magic number, big-endian sizes, bytes."""
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def pack(data: bytes) -> bytes:
    """`data` compressed; deterministic for one version of liblzma."""
    return lzma.compress(data, format=lzma.FORMAT_XZ, filters=FILTERS)


def embed(source: Path, folder: Path) -> None:
    """Writes the four files into `folder`.

    Raises:
        ContentError: an array is not that of the published file; nothing has been written then.
    """
    with np.load(source, allow_pickle=False) as arrays:
        files = {name: as_idx(arrays[key]) for name, key in KEYS.items()}
    for name, data in files.items():
        if sha256(data) != SHA256[name]:
            raise ContentError(f"{source}: {KEYS[name]} is not the published {name}.", "Get the original digits.")
    for name, data in files.items():
        path = write_bytes(folder / f"{name}.xz", pack(data))
        print(f"{path.stat().st_size:>10,} bytes  {sha256(path.read_bytes())}  {path.name}")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="Makes the embedded MNIST files.")
    parser.add_argument("npz", type=Path, help="x_train, y_train, x_test, y_test as uint8")
    parser.add_argument("--out", type=Path, default=EMBEDDED, help="default: %(default)s")
    given = parser.parse_args()
    embed(given.npz, given.out)


if __name__ == "__main__":
    main()
