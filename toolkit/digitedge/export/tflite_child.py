"""TensorFlow Lite's converter, in a process that does nothing else: `python -m digitedge.export.tflite_child`.

A line on standard input names a folder that holds a job; the answer is a line of JSON on standard output, and the file
in the folder. At the end of the input the process ends: it never outlives whoever started it.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitedge.errors import first_line

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL, IMAGES, JOB, RESULT = "model", "images.npy", "job.json", "result.tflite"


def main() -> None:
    """Converts job after job until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the converter prints must not look like an answer
    for line in sys.stdin:
        folder = Path(line.rstrip("\n"))
        answer: dict[str, str | None] = {"error": None}
        try:
            (folder / RESULT).write_bytes(_converted(folder, json.loads((folder / JOB).read_text(encoding="utf-8"))))
        except Exception as error:  # noqa: BLE001 (the converter raises whatever its passes raise)
            answer["error"] = first_line(error)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _converted(folder: Path, job: dict[str, Any]) -> bytes:
    """The bytes of a .tflite file.

    Args:
        folder: holds a SavedModel with one signature, and for int8 the images to calibrate with, as the signature takes
            them.
        job: `precision`; and `input` and `output`, the types of an int8 file's tensors, null for what the graph has.
    """
    import numpy as np
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder / MODEL))
    if job["precision"] != "fp32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if job["precision"] == "fp16":
        converter.target_spec.supported_types = [tf.float16]
    if job["precision"] == "int8":
        images = np.load(folder / IMAGES, mmap_mode="r")

        def batches() -> Iterator[list[Any]]:
            for image in images:
                yield [np.array(image[None])]

        converter.representative_dataset = batches
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.dtypes.as_dtype(job["input"])
        converter.inference_output_type = tf.dtypes.as_dtype(job["output"])
    data: bytes = converter.convert()
    return data


if __name__ == "__main__":
    main()
