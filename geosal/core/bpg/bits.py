"""Bits of HEVC (ITU-T H.265): fixed and Exp-Golomb numbers (9.2), and emulation prevention (7.3.1.1)."""

import re

_MOST_ZEROS = 31
"""Leading zeros of an Exp-Golomb number, at most: it has 32 bits."""
_MOST_UE7 = 5
"""Bytes of a ue7 number, at most: it has 32 bits."""
_LIKE_A_MARK = re.compile(rb"\0\0(?=[\0-\3])")


class BitReader:
    """Reads numbers from bytes, the highest bit first.

    Parameters
    ----------
    data
        The bytes, without emulation prevention.

    Attributes
    ----------
    place
        Number of bits that were read.
    """

    def __init__(self, data: bytes) -> None:
        self._data, self.place = data, 0

    def read(self, count: int = 1) -> int:
        """Read a number of so many bits.

        Raises
        ------
        ValueError
            The bytes end.
        """
        end = self.place + count
        if end > 8 * len(self._data):
            raise ValueError("its headers are cut off")
        first, last = self.place >> 3, (end + 7) >> 3
        value = int.from_bytes(self._data[first:last], "big") >> (8 * last - end)
        self.place = end
        return value & ((1 << count) - 1)

    def flag(self) -> bool:
        """Read a bit."""
        return bool(self.read())

    def unsigned(self) -> int:
        """Read an Exp-Golomb number, ue(v)."""
        zeros = 0
        while not self.read():
            zeros += 1
            if zeros > _MOST_ZEROS:
                raise ValueError("a number in its headers is too large")
        return (1 << zeros) - 1 + self.read(zeros)

    def signed(self) -> int:
        """Read an Exp-Golomb number with a sign, se(v)."""
        code = self.unsigned()
        return (code + 1) // 2 if code & 1 else -(code // 2)


class BitWriter:
    """Writes numbers as bits."""

    def __init__(self) -> None:
        self._bits: list[str] = []

    def write(self, value: int, count: int = 1) -> None:
        """Write a number of so many bits."""
        if count:
            self._bits.append(format(value, f"0{count}b"))

    def unsigned(self, value: int) -> None:
        """Write ue(v)."""
        code = format(value + 1, "b")
        self._bits.append("0" * (len(code) - 1) + code)

    def signed(self, value: int) -> None:
        """Write se(v)."""
        self.unsigned(2 * value - 1 if value > 0 else -2 * value)

    def done(self, stop: str = "1") -> bytes:
        """Return the bytes: a stop bit, and zeros up to a whole byte."""
        bits = "".join(self._bits) + stop
        bits += "0" * (-len(bits) % 8)
        return int(bits, 2).to_bytes(len(bits) // 8, "big") if bits else b""


def stuffed(data: bytes) -> bytes:
    """Put emulation prevention into the bytes of a unit: nothing in it looks like a start code then."""
    return _LIKE_A_MARK.sub(b"\0\0\3", data)


def unstuffed(data: bytes) -> bytes:
    """Take emulation prevention out of the bytes of a unit."""
    return data.replace(b"\0\0\3", b"\0\0")


def ue7(value: int) -> bytes:
    """Return a number in groups of seven bits, as BPG has them: all bytes but the last have their highest bit set."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(0x80 | value & 0x7F)
    return bytes(reversed(groups))


def read_ue7(data: bytes, place: int) -> tuple[int, int]:
    """Read a number of at most 32 bits that `ue7` wrote; returns it and where it ends.

    Raises
    ------
    ValueError
        The bytes end, or the number is longer than it need be, or than 32 bits.
    """
    value = 0
    for byte in data[place : place + _MOST_UE7]:
        if not value and byte == 0x80:
            raise ValueError("a number in its header is longer than it need be")
        value, place = value << 7 | byte & 0x7F, place + 1
        if byte < 0x80:
            if value >= 1 << 32:
                break
            return value, place
    raise ValueError("its header is cut off, or a number in it is too large")
