import inspect
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from digitedge.commands.run import run
from digitedge.commands.train import train
from digitedge.commands.training_options import takes_train_config, train_config
from digitedge.config import AUGMENTATIONS, TrainConfig
from digitedge.errors import UsageError

ARCHITECTURE = Path(__file__).parents[1] / "tiny.py"
# Settings that no option changes: they belong to the method, not to the user's data.
FIXED = {"validation", "average_decay"}


def test_every_setting_has_an_option_with_its_default():
    assert train_config() == TrainConfig()
    assert set(inspect.signature(train_config).parameters) == {field.name for field in fields(TrainConfig)} - FIXED


@pytest.mark.parametrize("command", [train, run])
def test_both_commands_take_them_all(command):
    assert inspect.signature(train_config).parameters.keys() < inspect.signature(command).parameters.keys()


def test_the_command_gets_the_config_and_its_own_options():
    seen = []

    @takes_train_config
    def command(config, *, out):
        seen.append((config(), out))

    defaults = {name: option.default for name, option in inspect.signature(train_config).parameters.items()}
    command(**defaults | {"epochs": 3}, out="there")
    assert seen == [(TrainConfig(epochs=3), "there")]


def test_a_value_out_of_range_is_told_when_the_command_asks_for_the_config():
    @takes_train_config
    def command(config):
        with pytest.raises(UsageError, match="--epochs is 0"):
            config()

    defaults = {name: option.default for name, option in inspect.signature(train_config).parameters.items()}
    command(**defaults | {"epochs": 0})


def test_what_was_typed_is_recorded_as_what_was_done(digitedge, tiny_data):
    words = (
        "--schedule",
        "plateau",
        "--optimizer",
        "adamw",
        "--patience",
        "1",
        "--time-limit",
        "5",
        "--augment",
        "photo",
    )
    ended = digitedge(
        "train", "--model", ARCHITECTURE, "--data", tiny_data, "--epochs", "2", *words, "--no-flip", "--json"
    )
    assert ended.code == 0, ended.err
    config, augmentation = ended.document["config"], ended.document["augmentation"]
    asked = {"schedule": "plateau", "optimizer": "adamw", "patience": 1, "time_limit_minutes": 5.0, "augment": "photo"}
    assert asked.items() <= config.items()
    assert augmentation == asdict(AUGMENTATIONS["photo"]) | {"flip": False}
    assert ended.document["macs"] > 0
    assert sum(layer["parameters"] for layer in ended.document["layers"]) == ended.document["parameters"] == 1_886


def test_a_training_without_time_ends_after_its_first_epoch_and_says_why(digitedge, tiny_data):
    ended = digitedge("train", "--model", ARCHITECTURE, "--data", tiny_data, "--epochs", "9", "--time-limit", "0.0001")
    assert ended.code == 0
    assert "1 epoch on" in ended.out
    assert "Ended before its last epoch: another epoch would end after the limit of 0.0001 minutes." in ended.out
