"""What a row of the table is, and the table: the rows of every rows_*.py here.

A row names a deliberate mistake and the test that notices it: in `file`, the text `old`, which occurs there once, becomes `new`; with that
built, `test` has to fail. `test` is a pytest node (tests/program/test_x.py::test_y, best a short form) or a unit test as meson names it
(store/test_faults), or a fuzzer run over its corpus (fuzz_frame, fault_session). The rest is seldom needed:

    sanitizer   the mistake shows only with it: "address,undefined" or "thread"
    tries       where chance decides: so often may the test pass, and then fail
    environment variables for the test

tests/defects/run tries them. tests/program/test_defects.py looks at every `make test` whether the table still fits the tree.
"""
import ast
import dataclasses
import importlib.util
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclasses.dataclass(frozen=True)
class Defect:
    name: str
    file: str
    old: str
    new: str
    test: str
    sanitizer: str = "none"
    tries: int = 1
    environment: tuple = ()  # of (name, value)

    @property
    def is_unit_test(self):
        return "::" not in self.test


def table():
    """All rows, in the order of the files' names."""
    rows = []
    for path in sorted(HERE.glob("rows_*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        rows += [Defect(**row) for row in module.ROWS]
    return rows


def node_exists(node):
    path, name = node.split("::", 1)
    if not (ROOT / path).is_file():
        return False
    found = [part.name for part in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(part, ast.FunctionDef)]
    return name.split("[")[0].split("::")[-1] in found


def misfits(row):
    """What is wrong with a row, seen from the tree: a list of sentences."""
    found = []
    path = ROOT / row.file
    count = path.read_text().count(row.old) if path.is_file() else -1
    if count < 0:
        found.append(f"{row.file} does not exist")
    elif count != 1:
        found.append(f"its old text occurs {count} times in {row.file}")
    if row.old == row.new:
        found.append("it changes nothing")
    source = f"tests/unit/{row.test}.c"
    if row.test.startswith(("fuzz_", "fault_")):
        source = f"tests/fuzz/fuzz_{row.test.split(chr(95), 1)[1]}.c"
    if row.is_unit_test and not (ROOT / source).is_file():
        found.append(f"there is no {source}")
    if not row.is_unit_test and not node_exists(row.test):
        found.append(f"there is no {row.test}")
    return found
