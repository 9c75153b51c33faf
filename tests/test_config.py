from dataclasses import replace

import pytest

from digitedge.config import AUGMENTATIONS, BenchConfig, ExportConfig, TrainConfig, image_size
from digitedge.errors import UsageError


@pytest.mark.parametrize(
    ("config", "setting", "value", "message"),
    [
        (TrainConfig, "epochs", 0, r"--epochs is 0\. It must be at least 1\."),
        (TrainConfig, "batch_size", 0, r"--batch-size is 0\. It must be at least 1\."),
        (TrainConfig, "learning_rate", 0.0, r"--learning-rate is 0.0\. It must be between 0 and 1\."),
        (TrainConfig, "learning_rate", float("nan"), r"--learning-rate is nan\. It must be between 0 and 1\."),
        (TrainConfig, "seed", -1, r"--seed is -1\. It must be from 0 to 2147483647\."),
        (TrainConfig, "validation", 1.0, r"validation is 1.0\. It must be between 0 and 1\."),
        (TrainConfig, "average_decay", 1.0, r"average_decay is 1.0\. It must be at least 0 and below 1\."),
        (ExportConfig, "opset", 16, r"--opset is 16\. It must be 17 or 18\."),
        (ExportConfig, "calibration_images", 0, r"calibration_images is 0\. It must be at least 1\."),
        (ExportConfig, "formats", (), r"--to is nothing\. It must be at least one format\."),
        (BenchConfig, "threads", 0, r"--threads is 0\. It must be at least 1\."),
        (BenchConfig, "batch", 0, r"--batch is 0\. It must be at least 1\."),
        (BenchConfig, "seconds", float("inf"), r"--seconds is inf\. It must be above 0, at most 3600\."),
        (BenchConfig, "processes", 1, r"processes is 1\. It must be at least 2\."),
        (BenchConfig, "time_limit", 0.0, r"time_limit is 0.0\. It must be above 0\."),
    ],
)
def test_a_value_out_of_range_is_named_with_its_option(config, setting, value, message):
    with pytest.raises(UsageError, match=message):
        config(**{setting: value})


@pytest.mark.parametrize(
    ("data", "augment", "means"),
    [
        ("mnist", None, "digits"),
        ("mnist-kaggle", None, "digits"),
        ("photos/", None, "none"),
        ("mnist", "none", "none"),
        ("photos/", "digits", "digits"),
    ],
)
def test_only_digits_are_augmented_unless_told_otherwise(data, augment, means):
    config = TrainConfig(data=data, augment=augment)
    assert config.augment_name == means
    assert config.augmentation == AUGMENTATIONS[means]


def test_a_knob_changes_one_thing_of_the_preset():
    config = TrainConfig(rotation_degrees=0.0, flip=True)
    assert config.augmentation == replace(AUGMENTATIONS["digits"], rotation_degrees=0.0, flip=True)


def test_the_reference_precision_comes_first():
    assert ExportConfig().precisions == ("fp32",)
    assert ExportConfig(int8=True).precisions == ("fp32", "int8")


@pytest.mark.parametrize(
    ("text", "size"), [("32", (32, 32)), ("32x48", (32, 48)), ("1", (1, 1)), ("4096x1", (4096, 1)), ("028", (28, 28))]
)
def test_a_size_is_height_by_width_or_one_number_for_both(text, size):
    assert image_size(text) == TrainConfig(size=text).image_size == size


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "32x",
        "x32",
        "32x48x3",
        "32X48",
        "32 x 48",
        "-32",
        "3.2",
        "0",
        "0x5",
        "5x0",
        "4097",
        "99999",
        "32\n",
        "٣٢",
    ],
)
def test_what_is_no_size_is_refused_and_never_guessed(text):
    with pytest.raises(UsageError) as caught:
        TrainConfig(size=text)
    assert caught.value.message == " ".join(f"--size is {text or 'empty'}.".split())
    assert caught.value.hint == "It must be 32 or 32x48 (height x width), each from 1 to 4096."


def test_without_a_size_images_are_taken_as_they_are():
    assert TrainConfig().image_size is None
