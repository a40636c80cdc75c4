"""One daemon per SQLite file."""

import os

import pytest

from syncd.daemon.single import SingleInstance
from syncd.errors import ConfigError


def test_the_second_is_refused_until_the_first_is_gone(tmp_path):
    first, second = SingleInstance(tmp_path / "db"), SingleInstance(tmp_path / "db")
    assert second.is_taken() is False
    first.take()
    assert second.is_taken() is True
    with pytest.raises(ConfigError, match=f"process {os.getpid()}"):
        second.take()
    first.release()
    assert second.is_taken() is False
    second.take()
    second.release()


def test_a_folder_that_is_not_there_is_a_matter_of_configuration(tmp_path):
    with pytest.raises(ConfigError, match="cannot be written"):
        SingleInstance(tmp_path / "nowhere" / "db").take()
