import pytest


@pytest.fixture
def saved(tmp_path):
    """Saves a network as a .keras file, and gives its path."""

    def save_it(network):
        network.save(tmp_path / "x.keras")
        return tmp_path / "x.keras"

    return save_it
