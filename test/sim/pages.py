"""Checksums of pages, for who changes the files of a server that is stopped.

As storage/checksum_impl.h of PostgreSQL has them: 32 sums side by side over the page, with its own
checksum taken for zero, and the number of the block.
"""

import struct

PAGE = 8192
AT = 8  # where a page has its checksum
PRIME = 16777619
OFFSETS = (
    0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A,
    0x79FF467A, 0x9BB9F8A3, 0x217E7CD2, 0x83E13D2C,
    0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA,
    0x7B093B5D, 0x98DAFF3C, 0xF718902A, 0x0B1C9CDB,
    0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE,
    0x92BEC979, 0xCCA6C0B2, 0x304A0979, 0x85AA43D4,
    0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E,
    0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756,
)  # fmt: skip


def checksum(page: bytes, block: int) -> int:
    """What the page that is the block of that number has to say of itself."""
    words = struct.unpack(f"={PAGE // 4}I", page[:AT] + b"\0\0" + page[AT + 2 :])
    sums = list(OFFSETS)
    for at in (*range(0, len(words), 32), None, None):
        for i in range(32):
            x = sums[i] ^ (0 if at is None else words[at + i])
            sums[i] = (x * PRIME & 0xFFFFFFFF) ^ (x >> 17)
    out = block
    for x in sums:
        out ^= x
    return out % 65535 + 1


def mended(text: bytes, at: int) -> tuple[int, bytes]:
    """Of a relation's file the page that has the byte at: where it begins, and it with its checksum."""
    begin = at - at % PAGE
    page = text[begin : begin + PAGE]
    said = struct.pack("=H", checksum(page, begin // PAGE))
    return begin, page[:AT] + said + page[AT + 2 :]
