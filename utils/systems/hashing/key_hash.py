"""A stable hash of keys: the same number in every process, on every machine, for one key and for an array.

Python's own `hash` of a string differs from process to process, so two servers would disagree on where a key lives.
Here a text or bytes key is FNV-1a over its UTF-8 bytes, and an integer is its 64-bit value; both then pass through the
output of splitmix64, because a hash ring reads the high bits, which FNV-1a alone hardly touches for short keys.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from utils.foundation import checks
from utils.foundation.hash_mixing import MASK, mix64, mix64_array

__all__ = ["Hashes", "as_key_array", "fnv1a", "hash_key", "hash_keys", "is_one_key", "mix", "mix_array"]

Hashes = npt.NDArray[np.uint64]

_FNV_OFFSET, _FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3
_GOLDEN_GAMMA = 0x9E3779B97F4A7C15  # what splitmix64 adds to its state before each output
_CHUNK = 1 << 14  # rows whose hashes and bytes stay in the processor's cache
_WIDEST = 64  # longer texts are hashed one by one: a table as wide as the longest would be mostly padding


def fnv1a(data: bytes) -> int:
    """Return the 64-bit FNV-1a hash of some bytes: exclusive-or with a byte, then multiply, byte after byte.

    Args:
        data: bytes of any length.

    Returns:
        An integer in 0 … 2⁶⁴ − 1.

    References:
        Fowler, Noll and Vo, "The FNV Non-Cryptographic Hash Algorithm", RFC 9923.

    >>> hex(fnv1a(b"foobar"))
    '0x85944171f73967e8'
    """
    value = _FNV_OFFSET
    for byte in data:
        value = ((value ^ byte) * _FNV_PRIME) & MASK
    return value


def mix(value: int) -> int:
    """Return the splitmix64 output for one 64-bit state: every bit of it depends on every bit of the state.

    Args:
        value: integer in 0 … 2⁶⁴ − 1.

    Returns:
        An integer in 0 … 2⁶⁴ − 1; the map is one to one.

    References:
        Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014, figure 16 with the
        constants of Vigna's `splitmix64.c`.

    >>> hex(mix(0))
    '0xe220a8397b1dcdaf'
    """
    return mix64(value + _GOLDEN_GAMMA)


def mix_array(values: Hashes) -> Hashes:
    """Return `mix` of every element.

    Args:
        values: unsigned 64-bit integers of any shape; left as they are.

    Returns:
        Array of the same shape and type.

    References:
        As for `mix`.
    """
    return mix64_array(values + np.uint64(_GOLDEN_GAMMA))


def is_one_key(keys: Any) -> bool:
    """Return whether this is one key (a text, bytes or an integer) and not an array of keys.

    Args:
        keys: anything.

    Returns:
        True for a text, bytes or an integer; False for a bool, which is no key.
    """
    return isinstance(keys, (str, bytes, int, np.integer)) and not isinstance(keys, bool)


def hash_key(key: str | bytes | int) -> int:
    """Return the stable 64-bit hash of one key.

    Args:
        key: text, bytes, or an integer. Text and its UTF-8 bytes are the same key; 42 and "42" are different keys.
            Zero characters at the end of a text do not count: numpy's fixed-width arrays can't hold them. An integer
            outside 64 bits is hashed as its decimal text.

    Returns:
        An integer in 0 … 2⁶⁴ − 1, equal to `hash_keys([key])[0]`.

    Raises:
        ValueError: if the key is of another type.

    >>> hash_key("user:42") == hash_key(b"user:42") == int(hash_keys(["user:42"])[0])
    True
    """
    if not is_one_key(key):
        raise ValueError(
            f"key must be a text, bytes or an integer, got {checks.told(key)}; convert it, as with str(key)"
        )
    if isinstance(key, (int, np.integer)):
        number = int(key)
        if -(1 << 63) <= number <= MASK:
            return mix(number & MASK)
        key = str(number)
    data = key.encode("utf-8", "surrogatepass") if isinstance(key, str) else bytes(key)
    return mix(fnv1a(data.rstrip(b"\0")))


def hash_keys(keys: npt.ArrayLike) -> Hashes:
    """Return the stable 64-bit hashes of an array of keys.

    Args:
        keys: array, list or series of texts, bytes or integers, shape (n,). Arrays of integers or of numpy's
            fixed-width texts are hashed without a Python loop.

    Returns:
        Unsigned 64-bit integers, shape (n,).

    Raises:
        ValueError: if there is no key, the shape is not one-dimensional, a key is missing (masked, NaN, None) or of
            another type.

    >>> hash_keys([0, 1])
    array([16294208416658607535, 10451216379200822465], dtype=uint64)
    """
    array = as_key_array(keys)
    if array.dtype.kind == "O":
        return np.array([hash_key(key) for key in array], dtype=np.uint64)
    hash_chunk = _hash_texts if array.dtype.kind in "US" else _hash_integers
    return np.concatenate([hash_chunk(array[i : i + _CHUNK]) for i in range(0, len(array), _CHUNK)])


def as_key_array(keys: npt.ArrayLike) -> np.ndarray:
    """Return the keys as a one-dimensional array of texts, bytes or integers, or of objects where they are mixed.

    Args:
        keys: array, list or series, shape (n,).

    Returns:
        Array of shape (n,); the elements of an object array are not checked.

    Raises:
        ValueError: if there is no key, the shape is not one-dimensional, one is masked, or all are of another type.
    """
    if np.ma.is_masked(keys):
        raise ValueError(f"keys must have no masked entries, got {np.ma.count_masked(keys)}; drop them")
    # a list goes by way of objects: numpy would turn [1, "a"] into two texts
    array = np.asarray(keys) if hasattr(keys, "dtype") else np.asarray(keys, dtype=object)
    if array.ndim != 1 or not len(array):
        raise ValueError(f"keys must be a non-empty one-dimensional array, got shape {array.shape}; give a flat list")
    if array.dtype.kind in "iuUS":
        return array
    if array.dtype.kind not in "OT":
        raise ValueError(f"keys must be texts, bytes or integers, got dtype {array.dtype}; convert them")
    array = array.astype(object)
    types = set(map(type, array))
    if types == {str} and max(map(len, array)) <= _WIDEST:
        return array.astype("U")
    if types == {int} and min(array) >= -(1 << 63) and max(array) < 1 << 63:
        return array.astype(np.int64)
    return array


def _hash_integers(integers: np.ndarray) -> Hashes:
    return mix_array(integers.astype(np.int64 if integers.dtype.kind == "i" else np.uint64).view(np.uint64))


def _hash_texts(texts: np.ndarray) -> Hashes:
    """Return the hashes of fixed-width texts or bytes: FNV-1a takes one byte of every key at a time."""
    columns, lengths = _byte_columns(texts)
    hashes = np.full(len(texts), _FNV_OFFSET, dtype=np.uint64)
    shortest = lengths.min()
    for i in range(lengths.max()):
        longer = (hashes ^ columns[i]) * np.uint64(_FNV_PRIME)
        hashes = longer if i < shortest else np.where(i < lengths, longer, hashes)
    return mix_array(hashes)


def _byte_columns(texts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the bytes of the texts, shape (width, n), and how many of them each text has, shape (n,)."""
    texts = np.ascontiguousarray(texts)
    if texts.dtype.kind == "U":
        characters = texts.astype(texts.dtype.newbyteorder("=")).view(np.uint32).reshape(len(texts), -1)
        if characters.max(initial=0) < 128:  # ASCII: one character, one byte
            return np.ascontiguousarray(characters.T.astype(np.uint8)), np.strings.str_len(texts)
        texts = np.strings.encode(texts, "utf-8", "surrogatepass")
    return np.ascontiguousarray(texts.view(np.uint8).reshape(len(texts), -1).T), np.strings.str_len(texts)
