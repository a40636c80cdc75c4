"""Secrets: sealed where they rest, renewed once, sealed anew with another key."""

import os
import threading

import pytest
from sqlmodel import select

from connectors.sdk.errors import AccessDenied
from schema.tables import Connection
from syncd.engine import vault
from syncd.engine.vault import DatabaseVault, Keyring, load_keyring, make_key_file, new_key
from syncd.errors import ConfigError, VaultError


@pytest.fixture
def tokens(engine, merchant_with):
    """The vault of a connection whose token is `old`."""
    world = merchant_with(stores=("A",), skus={})
    own = DatabaseVault(engine, world.connection_ids["A"])
    own.renew(own.load(), lambda _: {"token": "old"})
    return own


def test_what_is_sealed_says_nothing_and_opens_with_the_key_only():
    ours, theirs = Keyring([new_key()]), Keyring([new_key()])
    sealed = ours.seal({"token": "shpat_1"})
    assert b"shpat" not in sealed
    assert ours.open(sealed) == {"token": "shpat_1"}
    with pytest.raises(VaultError, match="another key"):
        theirs.open(sealed)


def test_an_older_key_still_opens_and_the_newest_seals():
    old, new = new_key(), new_key()
    sealed = Keyring([old]).seal(b"plain")
    both = Keyring([new, old])
    assert both.open_bytes(sealed) == b"plain"
    assert Keyring([new]).open_bytes(both.reseal(sealed)) == b"plain"


def test_the_key_comes_from_the_environment_else_a_credential_else_the_file(tmp_path):
    keys = {name: new_key() for name in ("environment", "credential", "file")}
    (tmp_path / "syncd.key").write_text(keys["credential"] + "\n")
    file = tmp_path / "key"
    file.write_text(keys["file"])
    file.chmod(0o600)
    credential = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    found = {
        "environment": load_keyring(file, {"SYNCD_KEY": keys["environment"], **credential}),
        "credential": load_keyring(file, credential),
        "file": load_keyring(file, {}),
    }
    for name, keyring in found.items():
        assert Keyring([keys[name]]).open_bytes(keyring.seal(b"x")) == b"x"


def test_a_key_that_was_made_meanwhile_is_read_when_it_is_needed(tmp_path):
    make_key_file(tmp_path / "key")
    running = load_keyring(tmp_path / "key", {})
    before = running.seal(b"x")
    new = new_key()
    old = (tmp_path / "key").read_text()
    (tmp_path / "key").write_text(f"{new}\n{old}")
    assert running.open_bytes(Keyring([new]).seal(b"y")) == b"y"
    assert Keyring([new]).open_bytes(running.seal(b"z")) == b"z"
    assert running.open_bytes(before) == b"x"


@pytest.mark.parametrize("file", ["gone", "garbage", "as it was"])
def test_what_no_key_opens_stays_closed_whatever_the_file_says(tmp_path, file):
    make_key_file(tmp_path / "key")
    running = load_keyring(tmp_path / "key", {})
    sealed = running.seal(b"x")
    if file == "gone":
        (tmp_path / "key").unlink()
    elif file == "garbage":
        (tmp_path / "key").write_text("no key\n")
    with pytest.raises(VaultError, match="another key"):
        running.open_bytes(Keyring([new_key()]).seal(b"y"))
    assert running.open_bytes(sealed) == b"x"


def test_a_key_file_is_made_for_us_alone_and_never_over_another(tmp_path):
    os.umask(0o022)
    make_key_file(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    load_keyring(tmp_path / "key", {})
    with pytest.raises(FileExistsError):
        make_key_file(tmp_path / "key")


def test_a_key_that_others_can_read_is_refused(tmp_path):
    make_key_file(tmp_path / "key")
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        load_keyring(tmp_path / "key", {})


@pytest.mark.parametrize("text", ["", "short", "not base64 at all!"])
def test_a_wrong_key_is_a_matter_of_configuration(tmp_path, text):
    (tmp_path / "key").write_text(text)
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(ConfigError):
        load_keyring(tmp_path / "key", {})


def test_without_a_key_the_message_says_how_to_get_one(tmp_path):
    with pytest.raises(ConfigError, match="syncd init"):
        load_keyring(tmp_path / "key", {})


def test_renewed_credentials_are_stored_before_anybody_gets_them(tokens):
    assert tokens.renew({"token": "old"}, lambda _: {"token": "new"}) == {"token": "new"}
    assert tokens.load() == {"token": "new"}


def test_who_comes_late_gets_what_the_quicker_one_stored(tokens):
    tokens.renew({"token": "old"}, lambda _: {"token": "new"})

    def exchange(_):
        raise AssertionError("a refresh token must be used once")

    assert tokens.renew({"token": "old"}, exchange) == {"token": "new"}


def test_of_many_threads_one_exchanges(tokens):
    begin = threading.Barrier(6)
    exchanged, got = [], []

    def exchange(current):
        exchanged.append(current["token"])
        return {"token": f"new{len(exchanged)}"}

    def want():
        begin.wait(10)
        got.append(tokens.renew({"token": "old"}, exchange))

    threads = [threading.Thread(target=want) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert exchanged == ["old"]
    assert got == [{"token": "new1"}] * 6


def test_an_exchange_that_fails_lets_the_next_one_try(tokens):
    def refuse(_):
        raise AccessDenied("no")

    with pytest.raises(AccessDenied):
        tokens.renew({"token": "old"}, refuse)
    assert tokens.renew({"token": "old"}, lambda _: {"token": "new"}) == {"token": "new"}


def test_who_connected_anew_during_an_exchange_keeps_those_credentials(engine, tokens):
    def exchange(_):
        with engine.database.transaction() as session:
            row = session.get_one(Connection, tokens.connection_id)
            row.credentials = engine.keyring.seal({"token": "by hand"})
        return {"token": "renewed"}

    assert tokens.renew({"token": "old"}, exchange) == {"token": "by hand"}
    assert tokens.load() == {"token": "by hand"}


def test_rotating_seals_everything_with_the_new_key(engine, merchant_with):
    merchant_with(stores=("A", "B"), skus={})
    key = new_key()
    with engine.database.reading() as session:
        before = [engine.keyring.open(row.credentials) for row in session.exec(select(Connection))]
    both = engine.keyring.with_newest(key)
    assert vault.rotate(engine, both) == 3
    with engine.database.reading() as session:
        after = [Keyring([key]).open(row.credentials) for row in session.exec(select(Connection))]
    assert after == before
