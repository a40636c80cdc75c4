"""What is installed is ours, and what will be installed is pinned."""

import re
import tomllib
from importlib.metadata import distribution, entry_points, packages_distributions, version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = [ROOT / "requirements.lock", ROOT / "requirements-dev.lock"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", lock.read_text(), flags=re.MULTILINE))


@pytest.mark.parametrize("name", ["schema", "syncd", "connectors", "cli"])
def test_no_other_distribution_brings_a_package_of_our_name(name):
    owners = set(packages_distributions().get(name, ["syncd"]))  # an editable install lists no packages
    assert owners == {"syncd"}


def test_the_installed_version_is_the_one_in_the_project_file():
    assert version("syncd") == PROJECT["version"]


def test_the_connectors_are_found_by_entry_point():
    found = {entry.name: entry.value for entry in entry_points(group="syncd.connectors")}
    assert found == PROJECT["entry-points"]["syncd.connectors"]


def test_the_command_is_installed():
    commands = {
        entry.name: entry.value for entry in distribution("syncd").entry_points if entry.group == "console_scripts"
    }
    assert commands == {"syncd": "cli:main"}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_file_names_no_index_and_hashes_every_pin(lock):
    text = lock.read_text()
    assert not re.search(r"://|^\s*-", text.replace("    --hash=", ""), flags=re.MULTILINE)
    entries = re.split(r"\n(?=[a-z0-9])", text)
    assert [entry.split()[0] for entry in entries if "==" in entry and "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("requirement", PROJECT["dependencies"])
def test_every_dependency_is_pinned_in_the_lock_file(requirement):
    name = re.match(r"[A-Za-z0-9-]+", requirement)[0].lower()
    assert name in pins(LOCKS[0])


def test_tests_run_with_the_versions_that_users_get():
    users, ours = pins(LOCKS[0]), pins(LOCKS[1])
    assert {name: pin for name, pin in ours.items() if name in users} == users
