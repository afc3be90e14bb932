#!/usr/bin/env python3
"""Tables of Unicode for comparing names.

    name_table.py >name_table.h    make the table
    name_table.py --check          read "CODE VISIBLE LETTER FOLDED..." of every code point, as
                                   test/lib/fold.c prints them, and compare

Python has CaseFolding.txt (full folding) and UnicodeData.txt of one version of Unicode.
A name has letters, marks, digits, punctuation, symbols and the blank; what is
unassigned in that version may fold or decompose in a later one, and what PostgreSQL 15
normalizes is that version too, so any other would be compared unsurely.
"""

import itertools
import sys
import unicodedata
from collections.abc import Iterable, Iterator

VERSION = "14.0.0"
LAST = 0x10FFFF

# Default_Ignorable_Code_Point that are letters or marks, and a blank pattern of braille
UNSEEN = {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0} | set(
    itertools.chain(range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0000, 0xE1000))
)

LETTERS = {"Lu", "Ll", "Lt", "Lo", "Nd", "Nl", "No"}


def is_visible(code: int) -> bool:
    return code == 0x20 or (
        unicodedata.category(chr(code))[0] not in "CZ" and code not in UNSEEN
    )


def is_letter(code: int) -> bool:
    """Also digits; not what only stands with a letter, is a sign like one, or lengthens one."""
    return is_visible(code) and unicodedata.category(chr(code)) in LETTERS


def ranges(codes: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Runs of successive codes, as first and last."""
    for _, run in itertools.groupby(enumerate(codes), lambda pair: pair[1] - pair[0]):
        members = [code for _, code in run]
        yield members[0], members[-1]


def folded(code: int) -> list[int]:
    return [ord(c) for c in chr(code).casefold()]


def runs(pairs: list[tuple[int, int]]) -> Iterator[tuple[int, int, int, int]]:
    """First, last, step and distance of codes that fold to one at the same distance."""
    i = 0
    while i < len(pairs):
        first, target = pairs[i]
        step = pairs[i + 1][0] - first if i + 1 < len(pairs) else 1
        step = step if step in (1, 2) else 1
        j = i
        while (
            j + 1 < len(pairs)
            and pairs[j + 1][0] == pairs[j][0] + step
            and pairs[j + 1][1] - pairs[j + 1][0] == target - first
        ):
            j += 1
        yield first, pairs[j][0], step, target - first
        i = j + 1


def packed(entries: Iterable[str]) -> Iterator[str]:
    """As many entries on a line as it has room for."""
    line = ""
    for entry in entries:
        if line and len(line) + len(entry) > 90:
            yield line
            line = ""
        line += (" " if line else "\t") + entry + ","
    yield line


def table() -> str:
    if unicodedata.unidata_version != VERSION:
        sys.exit(f"this Python has Unicode {unicodedata.unidata_version}, not {VERSION}")
    changed = [(code, folded(code)) for code in range(LAST + 1) if folded(code) != [code]]
    one = [(code, to[0]) for code, to in changed if len(to) == 1]
    many = [(code, to) for code, to in changed if len(to) > 1]
    lines = [
        "/*-------------------------------------------------------------------------",
        " *",
        " * name_table.h",
        " *\t  Tables of Unicode for comparing names; made by name_table.py.",
        " *",
        f" * Unicode {VERSION}: CaseFolding.txt (full folding, C and F) and UnicodeData.txt,",
        " * Copyright (c) 1991-2021 Unicode, Inc., https://www.unicode.org/license.txt.",
        " *",
        " *-------------------------------------------------------------------------",
        " */",
        "#ifndef PAYSAFE_NAME_TABLE_H",
        "#define PAYSAFE_NAME_TABLE_H",
        "",
        "/* Codes that fold to one: every step-th from first to last, at a distance. */",
        "static const struct",
        "{",
        "\tuint32\t\tfirst;",
        "\tuint32\t\tlast;",
        "\tint32\t\tstep;",
        "\tint32\t\tdistance;",
        "}\t\t\tfold_one[] = {",
        *packed(f"{{0x{a:X}, 0x{b:X}, {step}, {by}}}" for a, b, step, by in runs(one)),
        "};",
        "",
        "/* Codes that fold to several. */",
        "static const struct",
        "{",
        "\tuint32\t\tcode;",
        "\tuint32\t\tto[3];",
        "}\t\t\tfold_many[] = {",
        *packed(
            f"{{0x{code:X}, {{{', '.join(f'0x{c:X}' for c in to)}}}}}" for code, to in many
        ),
        "};",
        "",
        "/* What a name may consist of: assigned, and seen. */",
        "static const uint32 visible[][2] = {",
        *packed(
            f"{{0x{a:X}, 0x{b:X}}}"
            for a, b in ranges(code for code in range(LAST + 1) if is_visible(code))
        ),
        "};",
        "",
        "/* Letters and digits. */",
        "static const uint32 letters[][2] = {",
        *packed(
            f"{{0x{a:X}, 0x{b:X}}}"
            for a, b in ranges(code for code in range(LAST + 1) if is_letter(code))
        ),
        "};",
        "",
        "#endif\t\t\t\t\t\t\t/* PAYSAFE_NAME_TABLE_H */",
    ]
    return "\n".join(lines) + "\n"


def check(lines: Iterable[str]) -> int:
    """Print what differs: folding is stable, so a later Python has to agree."""
    count = 0
    for count, line in enumerate(lines, 1):
        code, visible, letter, *to = (int(word, 16) for word in line.split())
        if visible and to != folded(code):
            print(f"U+{code:04X} folds to {to}, not to {folded(code)}")
        if visible != is_visible(code) and unicodedata.unidata_version == VERSION:
            print(f"U+{code:04X}: a name may have it, {bool(visible)}")
        if letter != is_letter(code) and unicodedata.unidata_version == VERSION:
            print(f"U+{code:04X}: a letter or digit, {bool(letter)}")
    if count != LAST + 1:
        print(f"{count} codes of {LAST + 1}")
    return count


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        check(sys.stdin)
    else:
        sys.stdout.write(table())
