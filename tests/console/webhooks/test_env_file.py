"""One variable of a `.env` file is set, and nothing else in it changes."""

import random
from pathlib import Path

import pytest

from console.webhooks.env_file import EnvFileUnusable, read_variable, set_variable
from receiver.secret_settings import SecretSettings

NAME = "CHAOZCODE_WEBHOOK_SECRET"


@pytest.fixture
def env(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_file_that_is_not_there_is_made_for_its_owner_alone(env: Path) -> None:
    assert set_variable(env, NAME, "whsec_new")
    assert env.read_text() == f"{NAME}=whsec_new\n"
    assert mode(env) == 0o600


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("A=1\n# note\n\nB='x y'\n", "A=1\n# note\n\nB='x y'\n{NAME}='new old'\n"),
        ("A=1", "A=1\n{NAME}='new old'\n"),
        ("A=1\r\nB=2\r\n", "A=1\r\nB=2\r\n{NAME}='new old'\r\n"),
        ("{NAME}=old\nB=2\n", "{NAME}='new old'\nB=2\n"),
        ("B=2\n{NAME}=old", "B=2\n{NAME}='new old'"),
        ("export {NAME}=old # since May\nB=2\n", "export {NAME}='new old' # since May\nB=2\n"),
        ("  {NAME} = 'old'   # note\n", "  {NAME} = 'new old'   # note\n"),
        ('{NAME}="o\\"ld"\nB=2\n', "{NAME}='new old'\nB=2\n"),
        ('{NAME}="two\nlines"\nB=2\n', "{NAME}='new old'\nB=2\n"),
        ("{NAME}=\nB=2\n", "{NAME}='new old'\nB=2\n"),
        ("{NAME}=a#b\nB=2\n", "{NAME}='new old'\nB=2\n"),
        ("{NAME}\nB=2\n", "{NAME}='new old'\nB=2\n"),
        ("{NAME}=1\nB=2\n{NAME}=2\n", "{NAME}='new old'\nB=2\n{NAME}='new old'\n"),
        ("# {NAME}=old\nB=2\n", "# {NAME}=old\nB=2\n{NAME}='new old'\n"),
        ("chaozcode_webhook_secret=old\n", "chaozcode_webhook_secret='new old'\n"),
        ("MY_{NAME}=x\n{NAME}_2=y\n", "MY_{NAME}=x\n{NAME}_2=y\n{NAME}='new old'\n"),
        ("this is no line\nB=2\n", "this is no line\nB=2\n{NAME}='new old'\n"),
        ("\n\n{NAME}=old\n\n\nB=2\n", "\n\n{NAME}='new old'\n\n\nB=2\n"),
    ],
)
def test_only_the_variables_value_changes(env: Path, before: str, after: str) -> None:
    env.write_bytes(before.replace("{NAME}", NAME).encode())
    set_variable(env, NAME, "new old")
    assert env.read_bytes() == after.replace("{NAME}", NAME).encode()
    assert read_variable(env, NAME) == "new old"
    assert mode(env) == 0o600


def test_what_is_set_already_is_not_written_again(env: Path) -> None:
    set_variable(env, NAME, "new old")
    before = env.stat()
    assert not set_variable(env, NAME, "new old")
    assert env.stat().st_ino == before.st_ino
    env.chmod(0o644)
    assert set_variable(env, NAME, "new old")
    assert mode(env) == 0o600


def test_behind_a_link_the_file_is_changed_and_the_link_stays(env: Path, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    target = tmp_path / "shared" / "env"
    target.write_text("A=1\n")
    env.symlink_to(target)
    set_variable(env, NAME, "new")
    assert env.is_symlink()
    assert target.read_text() == f"A=1\n{NAME}=new\n"
    assert list((tmp_path / "shared").iterdir()) == [target]


def test_a_write_that_fails_leaves_the_file_as_it_was(env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env.write_text(f"{NAME}=old\n")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(EnvFileUnusable, match="No space left"):
        set_variable(env, NAME, "new")
    assert env.read_text() == f"{NAME}=old\n"
    assert list(env.parent.iterdir()) == [env]


def test_what_can_not_be_read_is_told(env: Path) -> None:
    env.write_bytes(b"A=\xff\n")
    with pytest.raises(EnvFileUnusable, match="not UTF-8"):
        set_variable(env, NAME, "new")
    env.unlink()
    env.mkdir()
    with pytest.raises(EnvFileUnusable, match="can't be read"):
        read_variable(env, NAME)


def test_a_value_that_a_program_can_not_write_is_refused_and_nothing_changes(env: Path) -> None:
    env.write_text("A=1\n")
    with pytest.raises(EnvFileUnusable, match="by hand"):
        set_variable(env, NAME, "new with${A}in_it")
    assert env.read_text() == "A=1\n"


def test_any_lines_around_it_stay_and_the_receiver_reads_what_was_set(
    env: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = random.SystemRandom().randrange(10**9)
    print("seed", seed)
    chance = random.Random(seed)
    monkeypatch.chdir(env.parent)
    monkeypatch.delenv(NAME, raising=False)
    pieces = [
        "A=1",
        "# c",
        "",
        "export B='q #'",
        'C="x\\n"',
        "D",
        f"#{NAME}=no",
        "E = f # g",
        "\t",
        f"{NAME}=old_one",
    ]
    letters = "abcXYZ019_-.:/+='\"\\#$&;!é"
    for _ in range(30):
        lines = [chance.choice(pieces) for _ in range(chance.randrange(8))]
        ends = chance.choice(["\n", "\r\n"])
        env.write_bytes(ends.join(lines).encode() + (ends.encode() if chance.random() < 0.7 else b""))
        value = " ".join(
            "".join(chance.choice(letters) for _ in range(chance.randrange(8, 30))) for _ in range(2)
        )
        set_variable(env, NAME, value)
        assert SecretSettings().keys == tuple(each.encode() for each in value.split())
        kept = [line for line in lines if not line.startswith(f"{NAME}=")]
        after = env.read_bytes().decode().splitlines()
        assert [line for line in after if line in kept and line] == [line for line in kept if line]
