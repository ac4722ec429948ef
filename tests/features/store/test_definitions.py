"""The file of definitions: whole at every moment, and none lost where many write."""

import json
import subprocess
import sys
import threading

import pytest

from tests.features.store.rates import RATES
from utils.features.store.definitions import Definitions
from utils.features.store.feature_store import FeatureStore
from utils.features.store.feature_view import FeatureView
from utils.features.store.online_store import SqliteOnlineStore


def view(number):
    return FeatureView(f"view{number}", {"user_id": int}, {"rate": float})


def test_the_definitions_on_disk_are_whole_and_readable(store):
    assert json.loads((store.folder / "views.json").read_text())["rates"]["keys"] == {"user_id": "int"}
    assert not list(store.folder.glob("*.new"))


def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path):
    definitions = Definitions(tmp_path / "views.json")
    definitions.write({"rates": RATES})
    with pytest.raises(AttributeError):
        definitions.write({"rates": RATES, "broken": object()})
    assert definitions.read() == {"rates": RATES}
    assert [path.name for path in tmp_path.iterdir()] == ["views.json"]


def test_threads_that_register_at_once_lose_nothing(tmp_path):
    barrier, failed = threading.Barrier(6), []

    def register(number):
        try:
            with FeatureStore(tmp_path, SqliteOnlineStore(":memory:")) as store:
                barrier.wait()
                store.register(view(number))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=register, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(Definitions(tmp_path / "views.json").read()) == [f"view{number}" for number in range(6)]


REGISTER = """
import sys
from utils.features.store.feature_store import FeatureStore
from utils.features.store.feature_view import FeatureView

folder, number = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
with FeatureStore(folder) as store:
    store.register(FeatureView(f"view{number}", {"user_id": int}, {"rate": float}))
"""


def test_processes_that_register_at_once_lose_nothing(tmp_path, monkeypatch):
    monkeypatch.delenv("REDIS_URL", raising=False)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", REGISTER, str(tmp_path), str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for number in range(2)
    ]
    for process in processes:
        assert process.stdout.readline().strip() == b"ready"
    for process in processes:
        process.stdin.write(b"\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert sorted(Definitions(tmp_path / "views.json").read()) == ["view0", "view1"]
