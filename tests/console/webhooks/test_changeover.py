"""A webhook is registered and replaced: in every way that the API may answer, interrupted at every point."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from console.webhooks.changeover import Changeover, ChangeStopped, Steps
from console.webhooks.journal import Change, Journal
from console.webhooks.registered import registered_at
from console.webhooks.secret_place import EnvFilePlace, PrintedPlace, SecretPlace, fingerprint
from tests.console.webhooks.imitated import Imitated

URL = "https://hooks.example.com/webhooks/chaozcode"
OLD = "whsec_the_old_one"
KINDS: list[dict[str, Any]] = [
    {},
    {"names_id": False},
    {"one_per_url": True},
    {"one_per_url": True, "names_id": False},
    {"in_place": True, "names_id": False},
    {"shown_url": lambda url: f"{url}/"},
    {"shown_url": lambda url: url.replace("https://hooks", "https://Hooks").replace(".com/", ".com:443/")},
    {"numbers_ids": True},
    {"odd_creation": "other id"},
    {"odd_creation": "no JSON"},
    {"odd_creation": "cut"},
    {"odd_creation": "500 once"},
]


class Killed(BaseException):
    """The process was killed."""


class Scene:
    """One host: its `.env`, its journal, a receiver that takes secrets up when asked, and ChaozCode."""

    def __init__(self, folder: Path, api: Imitated) -> None:
        self.folder = folder
        self.api = api
        self.api.tick = self.tick
        self.taken_up: set[str] = set()
        self.fuse = 10**6
        self.said: list[str] = []
        self.may_refuse = False
        self.test_arrives = True

    @property
    def place(self) -> EnvFilePlace:
        return EnvFilePlace(None, path=self.folder / ".env")

    @property
    def journal(self) -> Journal:
        return Journal(self.folder / ".hooks", "http://127.0.0.1/v2")

    def tick(self) -> None:
        """See that what is sent now would be accepted, however late the receiver follows; then burn down."""
        if not self.may_refuse:
            accepted = self.taken_up & set(self.place.read())
            assert set(self.api.secrets(URL)) <= accepted
        self.fuse -= 1
        if self.fuse < 0:
            raise Killed

    def run(
        self, change: Change, place: SecretPlace | None = None, *, also_needed: Collection[str] = ()
    ) -> Change:
        def accept(_secret: str) -> None:
            self.tick()
            self.taken_up |= set(self.place.read())

        steps = Steps(await_acceptance=accept, prove=self._prove, let_arrive=self.tick)
        with self.api.client() as client:
            ticking = _Ticking(place or self.place, self)
            return Changeover(
                client.webhooks,
                ticking,
                self.journal,
                steps,
                say=self.said.append,
                also_needed=also_needed,
                sleep=lambda _: None,
            ).run(change)

    def _prove(self, webhook_id: str) -> None:
        self.tick()
        if not self.test_arrives or self.api.webhooks[webhook_id]["secret"] not in self.place.read():
            raise ChangeStopped("the test event did not arrive")


class _Ticking:
    def __init__(self, place: SecretPlace, scene: Scene) -> None:
        self._place = place
        self._scene = scene

    @property
    def is_ours(self) -> bool:
        return self._place.is_ours

    def read(self) -> tuple[str, ...] | None:
        return self._place.read()

    def write(self, secrets_: Sequence[str]) -> None:
        self._scene.tick()
        self._place.write(secrets_)
        self._scene.tick()


def scene_with_webhook(folder: Path, **kind: Any) -> Scene:
    folder.mkdir(exist_ok=True)
    scene = Scene(folder, Imitated(**kind))
    scene.api.add("wh_old", URL, OLD)
    scene.place.write([OLD])
    scene.taken_up = {OLD}
    return scene


def rotation() -> Change:
    return Change(url=URL, events=("memory.stored",), old=("wh_old",))


@pytest.mark.parametrize("kind", KINDS)
def test_a_rotation_ends_with_the_new_secret_alone(tmp_path: Path, kind: dict[str, Any]) -> None:
    scene = scene_with_webhook(tmp_path, **kind)
    scene.may_refuse = bool(kind.get("in_place"))
    done = scene.run(rotation())
    (secret,) = scene.place.read()
    assert secret != OLD
    assert scene.api.secrets(URL) == [secret]
    assert done.has_gap is bool(kind.get("one_per_url"))
    assert any("was not sent" in line for line in scene.said) is done.has_gap
    assert not [line for line in scene.said if secret in line or OLD in line]
    assert scene.journal.change_of(URL) is None
    assert scene.journal.secrets_by_webhook() == {done.made: fingerprint(secret)}


@pytest.mark.parametrize("kind", [KINDS[0], KINDS[3]])
def test_killed_at_any_point_it_ends_well_when_run_again_and_nothing_is_refused(
    tmp_path: Path, kind: dict[str, Any]
) -> None:
    points = 0
    while True:
        scene = scene_with_webhook(tmp_path / str(points), **kind)
        scene.fuse = points
        try:
            scene.run(scene.journal.change_of(URL) or rotation())
            break
        except Killed:
            scene.fuse = 10**6
        scene.run(scene.journal.change_of(URL) or rotation())
        assert scene.api.secrets(URL) == list(scene.place.read()), points
        assert OLD not in scene.place.read()
        assert "whsec" not in (scene.folder / ".hooks" / "webhooks.json").read_text()
        points += 1
    assert points > 12


def test_killed_again_and_again_it_makes_one_webhook_and_one_secret(tmp_path: Path) -> None:
    scene = scene_with_webhook(tmp_path)
    for fuse in range(2, 24):
        scene.fuse = fuse
        with suppress(Killed):
            scene.run(scene.journal.change_of(URL) or rotation())
            break
    assert fuse > 4
    assert scene.api.made == 1
    assert scene.api.secrets(URL) == list(scene.place.read())


@pytest.mark.parametrize("kind", KINDS)
def test_a_webhook_that_was_registered_is_found_by_its_url(tmp_path: Path, kind: dict[str, Any]) -> None:
    scene = Scene(tmp_path, Imitated(**kind))
    done = scene.run(Change(url=URL, events=("agent.failed",)))
    with scene.api.client() as client:
        assert [webhook.id for webhook in registered_at(client.webhooks, URL)] == [done.made]
    assert len(scene.api.webhooks) == 1


def test_a_first_webhook_is_registered_and_other_secrets_stay(tmp_path: Path) -> None:
    scene = Scene(tmp_path, Imitated())
    scene.place.write(["of_another_url"])
    done = scene.run(Change(url=URL, events=("agent.failed",)))
    secret, other = scene.place.read()
    assert other == "of_another_url"
    assert scene.api.webhooks[str(done.made)] == {
        "id": done.made,
        "url": URL,
        "events": ["agent.failed"],
        "secret": secret,
    }
    assert len(secret) > 40


def test_the_secret_of_another_webhook_is_not_taken_out(tmp_path: Path) -> None:
    scene = Scene(tmp_path, Imitated())
    scene.run(Change(url="https://other.example.com/", events=("agent.failed",)))
    (others,) = scene.place.read()
    first = scene.run(Change(url=URL, events=("agent.failed",)))
    scene.run(Change(url=URL, events=("agent.failed",), old=(str(first.made),)))
    assert scene.place.read()[1:] == (others,)
    assert len(scene.place.read()) == 2


def test_the_secrets_of_webhooks_at_another_api_are_not_taken_out(tmp_path: Path) -> None:
    scene = scene_with_webhook(tmp_path)
    scene.place.write([OLD, "of_the_sandbox", "of_another_api"])
    other = Journal(tmp_path / ".hooks", "http://127.0.0.1:8010/v2")
    other.finish(Change(url=URL, events=(), made="wh_1", secret=fingerprint("of_another_api")))
    scene.run(rotation(), also_needed={fingerprint("of_the_sandbox")})
    assert scene.place.read()[1:] == ("of_the_sandbox", "of_another_api")
    assert not [line for line in scene.said if "by hand" in line]


def test_secrets_that_a_webhook_made_elsewhere_may_sign_with_are_kept(tmp_path: Path) -> None:
    scene = scene_with_webhook(tmp_path)
    scene.api.add("wh_by_hand", "https://other.example.com/", "who knows")
    scene.run(rotation())
    assert scene.place.read()[1:] == (OLD,)
    assert any("take them out by hand" in line for line in scene.said)


def test_where_the_test_fails_nothing_is_deleted(tmp_path: Path) -> None:
    scene = scene_with_webhook(tmp_path)
    scene.test_arrives = False
    with pytest.raises(ChangeStopped):
        scene.run(rotation())
    assert "wh_old" in scene.api.webhooks
    assert OLD in scene.place.read()
    scene.test_arrives = True
    scene.run(scene.journal.change_of(URL) or rotation())
    assert "wh_old" not in scene.api.webhooks
    assert scene.api.made == 1


def test_a_new_webhook_whose_secret_was_lost_is_replaced(tmp_path: Path) -> None:
    scene = scene_with_webhook(tmp_path)
    scene.may_refuse = True
    scene.test_arrives = False
    with pytest.raises(ChangeStopped):
        scene.run(rotation())
    scene.place.write([OLD])  # by hand
    scene.test_arrives = True
    scene.run(scene.journal.change_of(URL) or rotation())
    assert scene.api.secrets(URL) == list(scene.place.read())


def test_a_conflict_with_what_is_not_listed_is_told(tmp_path: Path) -> None:
    scene = Scene(tmp_path, Imitated(one_per_url=True))
    scene.may_refuse = True
    scene.api.add("", URL, "hidden")
    scene.api.webhooks[""].pop("id")
    with pytest.raises(ChangeStopped, match="does not list it"):
        scene.run(Change(url=URL, events=("agent.failed",)))


def test_for_another_host_the_secret_is_printed_once(tmp_path: Path) -> None:
    scene = scene_with_webhook(tmp_path)
    scene.may_refuse = True
    out: list[str] = []

    def put_it_there(line: str) -> None:
        out.append(line)
        scene.place.write([line.removeprefix("CHAOZCODE_WEBHOOK_SECRET="), OLD])

    scene.run(rotation(), PrintedPlace(None, out=put_it_there, say=scene.said.append))
    assert len(out) == 1
    (secret,) = scene.api.secrets(URL)
    assert out[0] == f"CHAOZCODE_WEBHOOK_SECRET={secret}"
    assert not [line for line in scene.said if secret in line]
    assert any("take the old secret out" in line for line in scene.said)


def test_where_the_environment_sets_it_both_are_printed_and_then_one_is_to_go(tmp_path: Path) -> None:
    scene = scene_with_webhook(tmp_path)
    scene.may_refuse = True
    out: list[str] = []

    def put_it_there(line: str) -> None:
        out.append(line)
        scene.place.write(line.removeprefix("CHAOZCODE_WEBHOOK_SECRET=").strip("'").split())

    place = PrintedPlace([OLD], out=put_it_there, say=scene.said.append)
    scene.run(rotation(), place)
    assert out == [f"CHAOZCODE_WEBHOOK_SECRET='{scene.api.secrets(URL)[0]} {OLD}'"]
