"""The index of a shard: what stands for an absent chunk, and its checksum, CRC-32C (RFC 3720, appendix B.4)."""

from functools import cache

ABSENT = 2**64 - 1
"""Offset and length of a chunk that is not in a shard."""
_POLYNOMIAL = 0x82F63B78


def crc32c(content: bytes) -> int:
    """Return the CRC-32C of a few bytes."""
    table, total = _table(), 0xFFFFFFFF
    for byte in content:
        total = table[(total ^ byte) & 0xFF] ^ total >> 8
    return total ^ 0xFFFFFFFF


@cache
def _table() -> tuple[int, ...]:
    entries = []
    for entry in range(256):
        for _ in range(8):
            entry = entry >> 1 ^ (_POLYNOMIAL if entry & 1 else 0)  # noqa: PLW2901
        entries.append(entry)
    return tuple(entries)
