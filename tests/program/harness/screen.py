"""What a person at a terminal would see: a small emulation of the control sequences that readline and we use.

Unknown sequences are kept in `unknown` and otherwise ignored, as terminals do.
"""
import re
import unicodedata

SEQUENCE = re.compile(r"\x1b(?:\[([?>!]?)([0-9;]*)([@-~])|\]([^\x07\x1b]*)(?:\x07|\x1b\\)|([()][A-Z0-9])|([=>78cDEMHNOZ]))")
UNFINISHED = re.compile(r"\x1b(?:\[[?>!]?[0-9;]*|\][^\x07\x1b]*\x1b?|[()])?$")


def width(character):
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


class Screen:
    def __init__(self, columns=80, rows=24):
        self.columns, self.rows = columns, rows
        self.cells = [[" "] * columns for _ in range(rows)]
        self.row = self.column = 0
        self.history = []
        self.unknown = []
        self.titles = []
        self.rest = ""
        self.saved = (0, 0)
        self.wraps = True

    # ---- what there is to see ----

    def line(self, row):
        return "".join(self.cells[row]).rstrip()

    @property
    def lines(self):
        """From the top of the scroll-back to the last line that is not empty."""
        shown = self.history + [self.line(row) for row in range(self.rows)]
        while shown and not shown[-1]:
            shown.pop()
        return shown

    @property
    def text(self):
        return "\n".join(self.lines)

    @property
    def cursor_line(self):
        return self.line(self.row)

    # ---- feeding ----

    def feed(self, text):
        text = self.rest + text
        self.rest = ""
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                self.character(text[at])
                at += 1
                continue
            found = SEQUENCE.match(text, at)
            if found:
                self.sequence(found)
                at = found.end()
            elif UNFINISHED.match(text, at):
                self.rest = text[at:]
                return
            else:
                self.unknown.append(text[at:at + 8])
                at += 1

    def character(self, character):
        if character == "\n":
            self.down()
        elif character == "\r":
            self.column = 0
        elif character == "\b":
            self.column = max(0, min(self.column, self.columns) - 1)
        elif character == "\t":
            self.column = min(self.columns - 1, self.column // 8 * 8 + 8)
        elif ord(character) >= 32 and character != "\x7f":
            self.put(character)

    def put(self, character):
        cells = width(character)
        if not cells:
            return
        if self.column + cells > self.columns and self.wraps:
            self.column = 0
            self.down()
        self.column = min(self.column, self.columns - cells)
        self.cells[self.row][self.column] = character
        for extra in range(1, cells):
            self.cells[self.row][self.column + extra] = ""
        self.column += cells

    def down(self):
        if self.row + 1 < self.rows:
            self.row += 1
            return
        self.history.append(self.line(0))
        self.cells.pop(0)
        self.cells.append([" "] * self.columns)

    # ---- control sequences ----

    def sequence(self, found):
        private, numbers, final, title, _, single = found.groups()
        if title is not None:
            self.titles.append(title)
        elif single:
            self.single(single)
        elif private == "?" and numbers == "7":
            self.wraps = final == "h"
        elif final and not private:
            values = [int(number) if number else 0 for number in numbers.split(";")]
            action = getattr(self, f"csi_{final}" if final.isalpha() else f"csi_x{ord(final):x}", None)
            if action:
                action(*values)
            else:
                self.unknown.append(found.group())

    def single(self, letter):
        if letter == "M":
            self.row = max(0, self.row - 1)
        elif letter == "D":
            self.down()
        elif letter == "7":
            self.saved = (self.row, self.column)
        elif letter == "8":
            self.row, self.column = self.saved
        elif letter == "c":
            self.__init__(self.columns, self.rows)

    def csi_m(self, *_):
        pass

    def csi_A(self, count=0, *_):
        self.row = max(0, self.row - max(1, count))

    def csi_B(self, count=0, *_):
        self.row = min(self.rows - 1, self.row + max(1, count))

    def csi_C(self, count=0, *_):
        self.column = min(self.columns - 1, self.column + max(1, count))

    def csi_D(self, count=0, *_):
        self.column = max(0, self.column - max(1, count))

    def csi_G(self, column=0, *_):
        self.column = min(self.columns, max(1, column)) - 1

    def csi_d(self, row=0, *_):
        self.row = min(self.rows, max(1, row)) - 1

    def csi_H(self, row=0, column=0, *_):
        self.csi_d(row)
        self.csi_G(column)

    csi_f = csi_H

    def csi_K(self, what=0, *_):
        start, end = {0: (self.column, self.columns), 1: (0, self.column + 1), 2: (0, self.columns)}[what]
        for column in range(start, min(end, self.columns)):
            self.cells[self.row][column] = " "

    def csi_J(self, what=0, *_):
        if what == 0:
            self.csi_K(0)
            rows = range(self.row + 1, self.rows)
        else:
            rows = range(self.rows) if what >= 2 else range(self.row)
        for row in rows:
            self.cells[row] = [" "] * self.columns

    def csi_P(self, count=0, *_):
        row = self.cells[self.row]
        del row[self.column:self.column + max(1, count)]
        row.extend([" "] * (self.columns - len(row)))

    def csi_x40(self, count=0, *_):
        row = self.cells[self.row]
        row[self.column:self.column] = [" "] * max(1, count)
        del row[self.columns:]

    def csi_X(self, count=0, *_):
        for column in range(self.column, min(self.columns, self.column + max(1, count))):
            self.cells[self.row][column] = " "

    def csi_L(self, count=0, *_):
        for _ in range(max(1, count)):
            self.cells.insert(self.row, [" "] * self.columns)
            self.cells.pop()

    def csi_M(self, count=0, *_):
        for _ in range(max(1, count)):
            self.cells.pop(self.row)
            self.cells.append([" "] * self.columns)
