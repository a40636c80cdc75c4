"""Settings: where they come from and what a wrong one is answered with."""

import tomllib
from datetime import time, timedelta
from pathlib import Path

import pytest

from syncd.config import find_home, load_settings, parse_duration
from syncd.errors import ConfigError

EXAMPLE = Path(__file__).resolve().parents[2] / "config.example.toml"


def with_config(home: Path, text: str) -> Path:
    (home / "config.toml").write_text(text)
    return home


def test_the_example_is_the_defaults_and_names_every_setting(tmp_path):
    defaults = load_settings(tmp_path, {})
    assert load_settings(with_config(tmp_path, EXAMPLE.read_text()), {}) == defaults
    named = {(section, key) for section, keys in tomllib.loads(EXAMPLE.read_text()).items() for key in keys}
    every = {(section, key) for section, value in defaults if section != "home" for key in type(value).model_fields}
    assert named == every


def test_every_setting_of_the_example_is_explained_just_above_it():
    lines = EXAMPLE.read_text().splitlines()
    settings = [number for number, line in enumerate(lines) if line and not line.startswith(("#", "["))]
    assert [lines[number] for number in settings if not lines[number - 1].startswith("# ")] == []


@pytest.mark.parametrize(
    ("text", "seconds"), [("5m", 300), ("30s", 30), ("150s", 150), ("1h", 3600), ("1d", 86400), ("250ms", 0.25)]
)
def test_a_duration_is_a_number_and_a_unit(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("wrong", ["5", "m", "-5m", "5 minutes", "", 7, None, True])
def test_anything_else_is_no_duration(wrong):
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(wrong)


def test_the_environment_overrides_the_file(tmp_path):
    with_config(tmp_path, '[schedule]\npull_orders = "1m"\nreconcile = "04:15"\n')
    environment = {"SYNCD_SCHEDULE__PULL_ORDERS": "2m", "SYNCD_SECURITY__ALLOW_PRIVATE_ADDRESSES": "true"}
    settings = load_settings(tmp_path, environment)
    assert settings.schedule.pull_orders == timedelta(minutes=2)
    assert settings.schedule.reconcile == time(4, 15)
    assert settings.security.allow_private_addresses is True


@pytest.mark.parametrize(
    ("text", "environment", "line"),
    [
        ('[schedule]\npull_orders = "often"', {}, "{file}: [schedule] pull_orders: 'often' is not a duration"),
        ('[schedule]\npull_orders = "0s"', {}, "{file}: [schedule] pull_orders: an interval must be longer"),
        ("[scedule]\nx = 1", {}, "{file}: [scedule]: there is no such section"),
        ("[push]\nsetle = 1", {}, "{file}: [push] setle: there is no such setting"),
        ("", {"SYNCD_PUSH__SETTLE": "soon"}, "SYNCD_PUSH__SETTLE: [push] settle: 'soon' is not a duration"),
        ("home = 1", {}, "{file}: home: is not a section"),
        ("[push", {}, "{file}: is not TOML"),
    ],
)
def test_a_wrong_setting_is_one_line_with_key_and_source(tmp_path, text, environment, line):
    home = with_config(tmp_path, text)
    with pytest.raises(ConfigError) as raised:
        load_settings(home, environment)
    assert str(raised.value).startswith(line.format(file=home / "config.toml"))
    assert "\n" not in str(raised.value)


def test_the_home_is_the_told_one_else_of_the_environment_else_here_else_the_state_folder(tmp_path):
    here = with_config(tmp_path, "")
    nowhere = tmp_path / "empty"
    assert find_home(Path("/told"), {"SYNCD_DIR": "/said"}, here) == Path("/told")
    assert find_home(None, {"SYNCD_DIR": "/said"}, here) == Path("/said")
    assert find_home(None, {"HOME": "/me"}, here) == here
    assert find_home(None, {"HOME": "/me"}, nowhere) == Path("/me/.local/state/syncd")
    assert find_home(None, {"XDG_STATE_HOME": "/state"}, nowhere) == Path("/state/syncd")


def test_the_secret_of_an_app_is_not_in_what_settings_print(tmp_path):
    settings = load_settings(tmp_path, {"SYNCD_SHOPIFY__CLIENT_SECRET": "hush-hush"})
    assert "hush-hush" not in repr(settings)
    assert settings.of_platform("shopify")["client_secret"] == "hush-hush"
    assert settings.of_platform("database") == {}
