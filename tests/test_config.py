import pytest

from digitedge.config import BenchConfig, ExportConfig, TrainConfig
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
    assert TrainConfig(data=data, augment=augment).augmentation == means


def test_the_reference_precision_comes_first():
    assert ExportConfig().precisions == ("fp32",)
    assert ExportConfig(int8=True).precisions == ("fp32", "int8")
