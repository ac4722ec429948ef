"""The hash of keys against published vectors, for one key and for arrays of every kind."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from utils.systems.hashing.key_hash import fnv1a, hash_key, hash_keys, is_one_key, mix

TEXTS = np.array([f"user:{i}" for i in range(20_000)])
KEYS = st.one_of(
    st.lists(st.text(max_size=80), min_size=1, max_size=20),
    st.lists(st.binary(max_size=20), min_size=1, max_size=20),
    st.lists(st.integers(-(2**70), 2**70), min_size=1, max_size=20),
    st.lists(st.one_of(st.text(max_size=5), st.integers()), min_size=1, max_size=20),
)


@pytest.mark.parametrize(
    ("data", "expected"),  # from the suite of FNV's authors (test_fnv.c)
    [
        (b"", 0xCBF29CE484222325),
        (b"a", 0xAF63DC4C8601EC8C),
        (b"b", 0xAF63DF4C8601F1A5),
        (b"foobar", 0x85944171F73967E8),
    ],
)
def test_fnv1a_gives_the_published_values(data, expected):
    assert fnv1a(data) == expected


def test_mix_gives_the_published_stream_of_splitmix64():
    gamma, state, stream = 0x9E3779B97F4A7C15, 1234567, []
    for _ in range(3):
        stream.append(mix(state))
        state = (state + gamma) % 2**64
    assert stream == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_text_and_integer_hashes_are_the_published_parts_put_together():
    assert hash_key("foobar") == mix(0x85944171F73967E8)
    assert hash_key(7) == mix(7)
    assert hash_key(-1) == mix(2**64 - 1)
    assert hash_key(2**64) == hash_key(str(2**64))
    assert hash_key(-(2**63) - 1) == hash_key(str(-(2**63) - 1))
    assert hash_key(2**64 - 1) == mix(2**64 - 1)
    assert hash_key("42") != hash_key(42)


@settings(max_examples=50, deadline=None)
@given(KEYS)
def test_an_array_of_keys_has_the_hashes_of_its_keys(keys):
    assert hash_keys(keys).tolist() == [hash_key(key) for key in keys]


@pytest.mark.parametrize(
    "keys",
    [
        np.array(["a", "日本", "", "x" * 70]),
        np.array(["a", "bb"], dtype=">U2"),
        np.array([b"a", b"abc"]),
        np.array([-1, 5], dtype=np.int8),
        np.array([2**64 - 1], dtype=np.uint64),
        np.array(["a", 3], dtype=object),
        pd.Series(["a", "bé"]),
        pd.Series([1, 2]),
        TEXTS[::-1],
        np.arange(-9000, 20_000, 3)[::2],
    ],
)
def test_every_kind_of_array_has_the_hashes_of_its_keys(keys):
    assert hash_keys(keys).tolist() == [hash_key(key) for key in keys]


def test_hashes_do_not_depend_on_the_process():
    code = "from utils.systems.hashing.key_hash import hash_key; print(hash_key('user:42'), hash_key(42))"
    runs = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert runs == {f"{hash_key('user:42')} {hash_key(42)}\n"}


@pytest.mark.parametrize("bit_range", [slice(0, 10), slice(54, 64)], ids=["low", "high"])
@pytest.mark.parametrize("keys", [np.arange(50_000), TEXTS], ids=["integers", "texts"])
def test_serial_keys_spread_evenly_in_the_high_and_the_low_bits(keys, bit_range):
    bins = (hash_keys(keys) >> np.uint64(bit_range.start)) % np.uint64(1024)
    statistic = stats.chisquare(np.bincount(bins.astype(int), minlength=1024)).statistic
    assert stats.chi2(1023).ppf(1e-6) < statistic < stats.chi2(1023).isf(1e-6)


def test_one_key_is_told_from_an_array():
    assert all(map(is_one_key, ["a", b"a", 1, np.int8(1)]))
    assert not any(map(is_one_key, [["a"], True, np.array(["a"]), 1.5, None]))


@pytest.mark.parametrize("key", [1.5, None, float("nan"), True, ["a"]])
def test_a_key_of_another_type_is_refused(key):
    with pytest.raises(ValueError, match=r"key must be .* convert"):
        hash_key(key)


@pytest.mark.parametrize("keys", [[], [[1]], "abc", 5, [1.5], np.array([1.5]), np.array([True]), ["a", None], [True]])
def test_arrays_that_hold_no_keys_are_refused(keys):
    with pytest.raises(ValueError, match=r"keys? must be"):
        hash_keys(keys)


def test_missing_keys_are_refused_not_hashed_as_texts():
    for keys in (
        ["u1", float("nan")],
        ["u1", None],
        pd.Series(["u1", None]),
        pd.Series(["u1", None], dtype="category"),
        pd.array([1, None], dtype="Int64"),
        np.ma.array([1, 999], mask=[0, 1]),
        np.ma.array(["u1", "u2"], mask=[1, 0]),
    ):
        with pytest.raises(ValueError, match=r"^keys? must "):
            hash_keys(keys)


def test_a_number_and_its_text_are_two_keys_alone_and_in_a_list():
    assert hash_keys([17, "u1"]).tolist() == [hash_key(17), hash_key("u1")]
    assert hash_keys(pd.Series([17, 18], dtype=object)).tolist() == hash_keys([17, 18]).tolist()
    assert hash_keys([17])[0] != hash_keys(["17"])[0]


def test_large_integers_never_pass_through_a_float():
    keys = [2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1]
    for array in (keys, np.array(keys, dtype=np.uint64), np.array(keys, dtype=object), [-1, *keys][1:]):
        assert hash_keys(array).tolist() == [mix(key) for key in keys]
    assert hash_keys([-1, 2**64 - 1]).tolist() == [mix(2**64 - 1)] * 2
