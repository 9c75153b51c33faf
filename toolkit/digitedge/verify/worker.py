"""The process that runs files: `python -m digitedge.verify.worker`. It may crash or hang, and nobody else with it.

It is told a job by a line of JSON on standard input, and answers with one on standard output, the first when it is
ready. Images and scores lie in .npy files that the job names. It ends with its input, at once, even while native code
runs; but not while native code runs that does not let go of Python's lock, as a hanging TensorFlow Lite Micro.
"""

from __future__ import annotations

import json
import os
import select
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.errors import DigitedgeError, to_fields
from digitedge.runtime.loading import format_of, load, score
from digitedge.streams import hushed

if TYPE_CHECKING:
    from digitedge.runtime.model import Model

# Files are kept loaded, the one used last always, and of those before it as many as this holds: all that are made of
# one network, so that a .c file is compiled once, but not all of a large one's.
KEPT_BYTES = 64 * 2**20


class Loaded:
    """The models that are kept, in the order in which they were used."""

    def __init__(self) -> None:
        self._models: dict[tuple[str, str, str | None], tuple[Model, int]] = {}

    def get(self, path: str, provider: str, engine: str | None) -> Model:
        """The model, loaded now or before."""
        key = path, provider, engine
        if key in self._models:
            model, size_bytes = self._models.pop(key)
        else:
            model, size_bytes = _load(*key), _size_bytes(Path(path))
        while self._models and size_bytes + sum(size for _, size in self._models.values()) > KEPT_BYTES:
            del self._models[next(iter(self._models))]
        self._models[key] = model, size_bytes
        return model


def main() -> None:
    """Does job after job until the input ends."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)  # what native code prints must not look like an answer
        threading.Thread(target=_end_with_the_input, daemon=True).start()
        loaded, answer = Loaded(), {"ready": True}
        while True:
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
            line = sys.stdin.readline()
            if not line:
                return
            answer = perform(json.loads(line), loaded)


def perform(job: dict[str, Any], loaded: Loaded) -> dict[str, Any]:
    """The answer to a job: what was found, or `error`, `lost` or `mistake`.

    Args:
        job: `path`, `provider` and `engine` of a file, to be described; and to be run too, `images`, the path of an
            .npy file, uint8 (n, height, width, channels), and `scores`, where those float32 (n, classes) are to lie.
        loaded: the models that are there already.
    """
    try:
        with hushed():
            model = loaded.get(job["path"], job["provider"], job["engine"])
            if "images" in job:
                images = np.load(job["images"])
                np.save(job["scores"], score(model, images, batch_size=len(images)))
                return {}
            return _described(model, Path(job["path"]))
    except DigitedgeError as error:
        return {"error": to_fields(error)}
    except MemoryError:
        return {"lost": "it takes more memory than there is"}
    except Exception:  # noqa: BLE001 (a mistake of ours; it is raised again by whoever asked)
        return {"mistake": traceback.format_exc()}


def _described(model: Model, path: Path) -> dict[str, Any]:
    return {
        "format": format_of(path),
        "precision": model.precision,
        "source_digest": model.source_digest,
        "spec": model.spec.to_json(),
        "engine": model.engine,
    }


def _load(path: str, provider: str, engine: str | None) -> Model:
    if format_of(Path(path)) == "keras":
        _leave_the_graphics_card()
    return load(Path(path), provider=provider, engine=engine)


def _leave_the_graphics_card() -> None:
    """It may be full of what whoever asked trains there; and its float32 may be rounded to TensorFloat-32."""
    from digitedge.runtime.keras import import_tensorflow

    tf, _ = import_tensorflow("running a Keras file")
    if tf.config.get_visible_devices("GPU"):
        tf.config.set_visible_devices([], "GPU")


def _size_bytes(path: Path) -> int:
    """Of a file, or of all files of a SavedModel."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _end_with_the_input() -> None:
    """Ends the process when whoever writes to its input is gone, although nobody reads there while a model runs."""
    watched = select.poll()
    watched.register(0, 0)  # no event but the end, which is always told
    watched.poll()
    os._exit(0)


if __name__ == "__main__":
    main()
