import subprocess
from dataclasses import replace

import pytest
import tf_keras as keras

from digitedge.config import ExportConfig
from digitedge.errors import ContentError
from digitedge.export.c99 import convert, min_runtime, operators
from digitedge.export.source import make_source
from digitedge.runtime.keras import wrap


@pytest.fixture(scope="module")
def source(tiny_model):
    return make_source("tiny", tiny_model, "probabilities")


@pytest.fixture(scope="module")
def made(source):
    return convert(source, "fp32", ExportConfig(), None)


def test_it_says_what_it_holds(made):
    assert made.operators == operators(made.data) == {"conv": 2, "dense": 1, "softmax": 1}
    assert made.min_runtime == min_runtime(made.data) == "C99"
    assert list(made.companions) == [".h"]


def test_it_says_what_it_costs(made, tiny_network):
    sizes = made.facts["sizes"]
    assert sizes["flash_bytes"] == 4 * tiny_network.count_params(), "every weight once, and no padding"
    assert sizes["macs"] == 24 * 24 * 6 * 25 + 4 * 4 * 8 * 54 + 128 * 10
    # The pooling is part of the convolution before it: 24 x 24 x 6 floats are never stored.
    assert sizes["arena_bytes"] == 4 * (6 * 6 * 6 + 4 * 4 * 8)
    assert f"#define TINY_ARENA_BYTES {sizes['arena_bytes']}\n" in made.companions[".h"].decode()


def test_a_program_needs_the_two_files_alone(made, tiny_golden, tmp_path):
    (tmp_path / "tiny.fp32.c").write_bytes(made.data)
    (tmp_path / "tiny.fp32.h").write_bytes(made.companions[".h"])
    (tmp_path / "main.c").write_text("""
#include <stdio.h>
#include "tiny.fp32.h"
int main(void)
{
    static float image[TINY_INPUT_SIZE], probabilities[TINY_OUTPUT_SIZE], arena[TINY_ARENA_BYTES / sizeof(float)];
    int best = 0;
    for (int i = 0; i < TINY_INPUT_SIZE; i++) { image[i] = (float)getchar() / 255.0f; }
    if (tiny_predict(image, probabilities, arena, sizeof arena) != TINY_OK) { return 1; }
    for (int i = 1; i < TINY_CLASSES; i++) { best = probabilities[i] > probabilities[best] ? i : best; }
    puts(tiny_classes[best]);
    return 0;
}
""")
    strict = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
    subprocess.run(["cc", *strict, "main.c", "tiny.fp32.c", "-o", "main"], cwd=tmp_path, check=True)
    labels = [
        subprocess.run([tmp_path / "main"], input=image.tobytes(), capture_output=True, check=True).stdout
        for image in tiny_golden.images[::20]
    ]
    assert [int(label) for label in labels] == tiny_golden.scores[::20].argmax(axis=1).tolist()


def test_names_of_classes_are_in_the_file_as_utf_8(tiny_model, tmp_path):
    classes = ('a"b\\', "*/", "??/", "九", *"456789")
    named = replace(tiny_model, spec=replace(tiny_model.spec, classes=classes))
    made = convert(make_source("tiny", named, "probabilities"), "fp32", ExportConfig(), None)
    (tmp_path / "tiny.fp32.c").write_bytes(made.data)
    (tmp_path / "tiny.fp32.h").write_bytes(made.companions[".h"])
    main = "int main(void) { for (int i = 0; i < 10; i++) { puts(tiny_classes[i]); } }"
    (tmp_path / "main.c").write_text(f'#include <stdio.h>\n#include "tiny.fp32.h"\n{main}\n')
    command = ["cc", "-std=c99", "-Wall", "-Wpedantic", "-Werror", "main.c", "tiny.fp32.c", "-o", "main"]
    subprocess.run(command, cwd=tmp_path, check=True)
    out = subprocess.run([tmp_path / "main"], capture_output=True, check=True).stdout.decode()
    assert out.splitlines() == list(classes)


def test_an_operator_without_a_kernel_is_named():
    layers = keras.layers
    convolution, dense = layers.Conv2D(3, 3, activation="softplus"), layers.Dense(2, activation="softmax")
    network = keras.Sequential([layers.Input((8, 8, 1)), convolution, layers.Flatten(), dense])
    other = wrap(network, ("a", "b"), name="soft")
    with pytest.raises(ContentError, match=r"node .*Softplus.* is a Softplus, for which C99 source has no kernel\."):
        convert(make_source("soft", other, "probabilities"), "fp32", ExportConfig(), None)
