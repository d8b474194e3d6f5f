"""A receipt printer that prints into memory: it knows the commands of ESC/POS that a receipt may use, and no other."""

from dataclasses import dataclass, field

COLUMNS = {58: 32, 80: 48}
DOTS = {58: 384, 80: 576}


@dataclass(frozen=True, slots=True)
class Printed:
    """A line as it stands on the paper; `columns` counts the cells that it covers, blanks at its end left out."""

    text: str
    columns: int
    wide: int
    high: int
    strong: bool
    centred: bool


@dataclass(frozen=True, slots=True)
class Square:
    """A QR symbol as it was asked for."""

    data: str
    model: int
    dots: int
    correction: int
    centred: bool


@dataclass(slots=True)
class Printer:
    """Feed it bytes; what it has printed stands in its fields. AssertionError for whatever it does not know."""

    width: int  # millimetres
    lines: list[Printed] = field(default_factory=list)
    squares: list[Square] = field(default_factory=list)
    cuts: int = 0
    _bytes: bytes = b""
    _at: int = 0
    _line: bytes = b""
    _strong: bool = False
    _size: tuple[int, int] = (1, 1)
    _centred: bool = False
    _chinese: bool = False
    _qr: dict[int, bytes] = field(default_factory=dict)

    def print(self, sent: bytes) -> None:
        self._bytes, self._at = sent, 0
        assert sent.startswith(b"\x1b@"), "a receipt begins by resetting the printer"
        while self._at < len(sent):
            byte = self._take(1)[0]
            if byte == 0x0A:
                self._feed()
            elif byte in (0x1B, 0x1C, 0x1D):
                self._command(byte, self._take(1)[0])
            else:
                assert byte >= 0x20, f"control byte {byte:#x} in the text"
                self._line += bytes([byte])
                if byte >= 0x80:
                    self._line += self._rest_of_character()
        assert self._line == b"", "the last line was never printed"

    def _take(self, count: int) -> bytes:
        taken = self._bytes[self._at : self._at + count]
        assert len(taken) == count, "a command is cut off"
        self._at += count
        return taken

    def _rest_of_character(self) -> bytes:
        assert self._chinese, "Chinese mode was never switched on"
        second = self._take(1)
        return second + self._take(2) if 0x30 <= second[0] <= 0x39 else second

    def _feed(self) -> None:
        text = self._line.decode("gb18030")
        cells = sum(self._size[0] * (1 if len(char.encode("gb18030")) == 1 else 2) for char in text.rstrip())
        assert cells <= COLUMNS[self.width], f"wider than the paper: {text!r}"
        self.lines.append(Printed(text, cells, *self._size, self._strong, self._centred))
        self._line = b""

    def _command(self, group: int, command: int) -> None:
        match group, chr(command):
            case 0x1B, "@":
                self._strong, self._size, self._centred, self._chinese = False, (1, 1), False, False
            case 0x1C, "&":
                self._chinese = True
            case 0x1B, "E":
                self._strong = self._take(1)[0] & 1 == 1
            case 0x1B, "a":
                assert self._line == b"", "lines are aligned at their beginning"
                how = self._take(1)[0]
                assert how in (0, 1)
                self._centred = how == 1
            case 0x1B, "d":
                self._take(1)
            case 0x1D, "!":
                size = self._take(1)[0]
                self._size = ((size >> 4) + 1, (size & 15) + 1)
                assert max(self._size) <= 8
            case 0x1D, "V":
                assert self._take(1) == b"B"
                self._take(1)
                self.cuts += 1
            case 0x1D, "(":
                assert self._take(1) == b"k"
                self._square(self._take(int.from_bytes(self._take(2), "little")))
            case _:
                raise AssertionError(f"unknown command {group:#x} {command:#x}")

    def _square(self, body: bytes) -> None:
        assert body[0] == 49, "cn is 49 for QR"
        function, parameters = body[1], body[2:]
        if function != 81:
            assert function in (65, 67, 69, 80)
            self._qr[function] = parameters
            return
        assert parameters == b"0"
        assert self._qr.keys() == {65, 67, 69, 80}, "model, size, correction and data come first"
        assert self._qr[65][1:] == b"\0"
        assert self._qr[80][:1] == b"0"
        model, dots, correction = (self._qr[each][0] for each in (65, 67, 69))
        assert model in (49, 50)
        assert 1 <= dots <= 16
        assert 48 <= correction <= 51
        data = self._qr[80][1:].decode("ascii")
        self.squares.append(Square(data, model, dots, correction, self._centred))
