"""GS1 application identifiers: what each one's value looks like, what it may and must stand with, which are keys.

Source: GS1 General Specifications, release 24 and later, §3 (formats), §4.14 (what goes together), §7.8 (lengths that
need no separator), and GS1 Digital Link URI Syntax 1.2 and later, §4 (keys, the order of their qualifiers, attributes).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from app.domain.ai_checks import ALPHABET_82, CHECKS, Check, Fault

_ALPHABETS = {
    "N": "0-9",
    "X": re.escape(ALPHABET_82),
    "Y": "#\\-/0-9A-Z",
    "Z": "\\-0-9A-Z_a-z",
}
_PART = re.compile(r"(\[?)([NXYZ])(\.\.)?([0-9]+)((?::[a-z0-9]+)*)\]?")


@dataclass(frozen=True, slots=True)
class Part:
    """A component of a value: its alphabet (N digits, X and Y the character sets 82 and 39, Z base64url), how many
    characters, whether it may be left out, and what else is checked."""

    alphabet: str
    least: int
    most: int
    optional: bool
    checks: tuple[Check, ...]

    @property
    def pattern(self) -> str:
        return f"([{_ALPHABETS[self.alphabet]}]{{{self.least},{self.most}}}){'?' if self.optional else ''}"


@dataclass(frozen=True)
class Identifier:
    """An application identifier.

    `fixed`: of predefined length, nothing separates it from what follows. `attribute`: may stand in the query of a
    Digital Link. `needs`: of each group one alternative, all of whose members are there; `excludes`: none is there;
    both are patterns, in which n is any digit. `sequences`: for a key, the alternatives of qualifiers in their order;
    None for what is no key. `known`: it is assigned.
    """

    ai: str
    parts: tuple[Part, ...]
    fixed: bool = False
    attribute: bool = False
    needs: tuple[tuple[tuple[str, ...], ...], ...] = ()
    excludes: tuple[str, ...] = ()
    sequences: tuple[tuple[str, ...], ...] | None = None
    known: bool = True

    @cached_property
    def shape(self) -> re.Pattern[str]:
        """Lengths and alphabets of a whole value, a group for each part."""
        return re.compile("".join(part.pattern for part in self.parts), re.ASCII)

    @cached_property
    def check_at(self) -> int | None:
        """The place of the GS1 check digit in a value, where it has one."""
        end = 0
        for part in self.parts:
            end += part.most
            if CHECKS["check"] in part.checks:
                return end - 1
        return None

    @cached_property
    def qualifiers(self) -> frozenset[str]:
        """All that may follow a key in the path, whichever goes with which."""
        return frozenset(ai for sequence in self.sequences or () for ai in sequence)

    def fault(self, value: str) -> Fault | None:
        """What is wrong with a value; None if nothing."""
        match = self.shape.fullmatch(value)
        if match is None:
            told = f"({self.ai}) {value[:90]!r}"
            return Fault(f"{told} 不符合格式 {self._format}", f"{told} has not the format {self._format}")
        for part, text in zip(self.parts, match.groups(), strict=True):
            for check in part.checks if text else ():
                if (fault := check(text)) is not None:
                    return Fault(f"({self.ai}) 的值 {value} 有误：{fault.zh}", f"({self.ai}) {fault.en}")
        return None

    @property
    def _format(self) -> str:
        """As the General Specifications write it: N13[+X..17]."""
        told = [
            f"{part.alphabet}{'' if part.least == part.most else '..'}{part.most}" if not part.optional
            else f"[{part.alphabet}{'' if part.least == part.most else '..'}{part.most}]"
            for part in self.parts
        ]  # fmt: skip
        return "+".join(told)


# AIs, flags (* predefined length, ? may be an attribute), parts, and what it goes with. [04] is one digit of several.
_TABLE = """
00 *? N18:check:prefix1 key
01 *? N14:check:prefix1 not=255,37 key=22,10,21|235
02 *? N14:check:prefix1 not=01,03 with=37
03 *- N14:check:prefix1 not=01,02,37,235
10 -? X..20 with=01,02,03,8006,8026
1[1356] *? N6:date0 with=01,02,03,8006,8026
12 *? N6:date0 with=8020
17 *? N6:date0 with=01,02,03,255,8006,8026
20 *? N2 with=01,02,03,8006,8026
21 -- X..20 with=01,03,8006 not=235
22 -- X..20 with=01,8006
235 -- X..28 with=01
24[01] -? X..30 with=01,02,03,8006,8026
242 -? N..6 with=01,02,8006,8026
243 -? X..20 with=01,03
250 -? X..30 with=01,03,8006 with=21
251 -? X..30 with=01,03,8006
253 -? N13:check:prefix+[X..17] key
254 -- X..20 with=414
255 -? N13:check:prefix+[N..12] key not=01,02,415,8006,8020,8026
30 -? N..8 with=01,02
31[0123456][012345] *? N6 with=01,02 once
32[0123456789][012345] *? N6 with=01,02 once
33[0123456][012345] *? N6 with=00,01 once
337[012345] *? N6 with=01 once
34[0123456789][012345] *? N6 with=00,01 once
35[01267][012345] *? N6 with=01,02 once
35[345][012345] *? N6 with=00,01 once
36[01456][012345] *? N6 with=01,02 once
36[23789][012345] *? N6 with=00,01 once
37 -? N..8 with=00 with=02,8026
390[0123456789] -? N..15 with=255,8020 not=390n,391n,394n,8111
391[0123456789] -? N3:currency+N..15 with=8020 once
392[0123456789] -? N..15 with=01 with=30,31nn,32nn,35nn,36nn not=392n,393n
393[0123456789] -? N3:currency+N..15 with=30,31nn,32nn,35nn,36nn once
394[0123] -? N4 with=255 not=394n,8111
395[012345] -? N6 with=30,31nn,32nn,35nn,36nn not=392n,393n,395n,8005
400 -? X..30
401 -? X..30:prefix key
402 -? N17:check:prefix key
403 -? X..30 with=00
41[01236] *? N13:check:prefix
414 *? N13:check:prefix key=254|7040
415 *? N13:check:prefix with=8020 key=8020
417 *? N13:check:prefix key=7040
420 -? X..20 not=421
421 -? N3:country+X..9 not=4307
422 -? N3:country with=01,02,03,8006,8026 not=426
42[35] -? N3:country+[N3:country]+[N3:country]+[N3:country]+[N3:country] with=01,02,03 not=426
424 -? N3:country with=01,02,03 not=426
426 -? N3:country with=01,02,03
427 -? X..3 with=01,02,03 with=422
43[01][01] -? X..35:percent with=00
43[01]2 -? X..70:percent with=00
4303 -? X..70:percent with=4302
4313 -? X..70:percent with=4312
43[01][456] -? X..70:percent with=00
43[01]7 -? X2:letters with=00
4308 -? X..30 with=00
4309 -? N10:latitude+N10:longitude with=00
4318 -? X..20 with=00
4319 -? X..30 with=00
4320 -? X..35:percent with=00
432[123] -? N1:yesno with=00
432[45] -? N6:date0+N4:hhmm with=00
4326 -? N6:date with=00
4330 -? N6+[X1:minus] with=00 not=4331
4331 -? N6+[X1:minus] with=00 not=4330
4332 -? N6+[X1:minus] with=00 not=4333
4333 -? N6+[X1:minus] with=00 not=4332
7001 -? N13 with=01,02,8006,8026
7002 -? X..30 with=01,02
7003 -? N6:date+N4:hhmm with=01,02,03
7004 -? N..4 with=01,03 with=10
7005 -? X..12 with=01,02
7006 -? N6:date with=01,02
7007 -? N6:date+[N6:date] with=01,02
7008 -? X..3 with=01,02
7009 -? X..10 with=01,02
7010 -? X..2 with=01,02,03
7011 -? N6:date+[N4:hhmm] with=01,02,03
7020 -? X..20 with=01,03,8006 with=416
7021 -? X..20 with=01,03,8006
7022 -? X..20 with=01,03,8006 with=7021
7023 -? X..30:prefix
703[0123456789] -? N3:country999+X..27 with=01,02
7040 -- N1+X1+X1+X1:importer
7041 -- X..4:package with=00
71[01234567] -? X..20 with=01
723[0123456789] -? X2+X..28 with=01,8004
7240 -? X..20 with=01,8006 not=03
7241 -? N2:media with=8017,8018
7242 -? X..25 with=8017,8018
7250 -? N8:date with=8018 not=7251
7251 -? N8:date+N4:hhmm with=8018 not=7250
7252 -? N1:sex with=8018
725[34] -? X..40:percent with=8017,8018 not=7256,7259
7255 -? X..10 with=8017,8018 not=7256,7259
7256 -? X..90:percent with=8017,8018
7257 -? X..70:percent with=8018
7258 -? X3:sequence with=8018+7259
7259 -? X..40:percent with=8018 not=7256
8001 -? N4:nonzero+N5:nonzero+N3:nonzero+N1:winding+N1 with=01
8002 -? X..20
8003 -? N1:zero+N13:check:prefix+[X..16] key
8004 -? X..30:prefix key=7040
8005 -? N6 with=01,02
8006 -? N14:check:prefix1+N4:piece not=01,03,37 key=22,10,21
8007 -? X..34:iban with=415
8008 -? N6:date+N2:hour+[N2:sixty]+[N2:sixty] with=01,02,03
8009 -? X..50 with=00,01,03
8010 -? Y..30:prefix key=8011
8011 -- N..12:nonul with=8010
8012 -? X..20 with=01,03,8006
8013 -? X..25:checks:prefix key
8014 -- X..25:checks:prefix:letter with=01
8017 -? N18:check:prefix not=8018 key=8019
8018 -? N18:check:prefix not=8017 key=8019
8019 -- N..10 with=8017,8018
8020 -- X..25 with=415
8026 -? N14:check:prefix1+N4:piece with=37 not=02,03,8006
8030 -? Z..90 with=00,01+21,03+21,253,255,8003,8004,8006+21,8010+8011,8017,8018
8040 -- N15 with=01+21
8041 -- N15 with=01+21+8040
8042 -- N32 with=01+21+8040
8043 -- N18+[N..2] with=01+21+8040
8110 -? X..70:coupon
8111 -? N4 with=255
8112 -? X..70:paperless
8200 -- X..70 with=01
90 -? X..30
9[123456789] -? X..90
"""


def _read(table: str) -> Iterator[Identifier]:
    for line in table.split("\n"):
        names, flags, parts, *rules = line.split() or [""] * 3
        for ai in _spelled(names):
            yield Identifier(
                ai,
                tuple(_part(text) for text in parts.split("+")),
                fixed=flags[0] == "*",
                attribute=flags[1] == "?",
                needs=tuple(_alternatives(rule[5:]) for rule in rules if rule.startswith("with=")),
                excludes=tuple(_excluded(ai, rules)),
                sequences=_sequences(rules),
            )


def _spelled(names: str) -> Iterable[str]:
    """32[01][05] is 3200, 3205, 3210, 3215; nothing is nothing."""
    pieces = re.findall(r"\[([0-9]+)\]|([0-9])", names)
    return map("".join, product(*(many or one for many, one in pieces))) if names else ()


def _part(text: str) -> Part:
    match = _PART.fullmatch(text)
    assert match is not None, text
    optional, alphabet, varies, most, checks = match.groups()
    named = tuple(CHECKS[name] for name in checks.split(":")[1:])
    return Part(alphabet, 1 if varies else int(most), int(most), bool(optional), named)


def _alternatives(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(each.split("+")) for each in text.split(","))


def _excluded(ai: str, rules: Iterable[str]) -> Iterator[str]:
    for rule in rules:
        if rule == "once":  # of those that differ in where the decimal point is
            yield ai[:3] + "n"
        elif rule.startswith("not="):
            yield from rule[4:].split(",")


def _sequences(rules: Iterable[str]) -> tuple[tuple[str, ...], ...] | None:
    for rule in rules:
        if rule == "key":
            return ((),)
        if rule.startswith("key="):
            return tuple(tuple(each.split(",")) for each in rule[4:].split("|"))
    return None


IDENTIFIERS: dict[str, Identifier] = {each.ai: each for each in _read(_TABLE)}
KEYS: dict[str, Identifier] = {ai: each for ai, each in IDENTIFIERS.items() if each.sequences is not None}

LENGTHS = {ai[:2]: len(ai) for ai in IDENTIFIERS}  # of all that begin with the same two digits
# Of values that no separator follows (§7.8.5), as far as nothing of that prefix is in the table.
_PREDEFINED = {"04": 16, "14": 6, "18": 6, "19": 6, **dict.fromkeys(("31", "32", "33", "34", "35", "36"), 6), "41": 13}


def identifier(ai: str, *, permit_unknown: bool = False) -> Identifier | None:
    """The application identifier, or with `permit_unknown` what one that is not assigned could be: 2 to 4 digits that
    begin no known one and have the length of all with the same first two. None for anything else."""
    known = IDENTIFIERS.get(ai)
    if known is not None or not permit_unknown:
        return known
    if not (ai.isascii() and ai.isdigit() and 2 <= len(ai) <= 4) or LENGTHS.get(ai[:2], len(ai)) != len(ai):
        return None
    length = _PREDEFINED.get(ai[:2])
    return Identifier(ai, (Part("X", length or 1, length or 90, False, ()),), fixed=length is not None, known=False)


def association_fault(present: Iterable[str], *, requisites: bool = True) -> Fault | None:
    """What is wrong with application identifiers that stand together; None if nothing (§4.14). Without `requisites`
    what one needs beside it may be on another carrier."""
    there = list(present)

    def found(pattern: str, beside: str) -> str | None:
        prefix = pattern.rstrip("n")
        return next((ai for ai in there if ai.startswith(prefix) and len(ai) == len(pattern) and ai != beside), None)

    for ai in there:
        row = IDENTIFIERS.get(ai)
        if row is None:
            continue
        for pattern in row.excludes:
            if (other := found(pattern, ai)) is not None:
                return Fault(f"({ai}) 与 ({other}) 不能并用", f"({ai}) and ({other}) exclude each other")
        for group in row.needs if requisites else ():
            if not any(all(found(each, ai) for each in alternative) for alternative in group):
                listed = ["+".join(f"({each})" for each in alternative) for alternative in group]
                return Fault(
                    f"({ai}) 须与 {'、'.join(listed)} 之一并用", f"({ai}) needs {' or '.join(listed)} beside it"
                )
    return None
