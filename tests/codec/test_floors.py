"""The import rules of the house (DESIGN): imports go down, one module knows numba, torch is imported late."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# A module's floor is that of its longest prefix here: one above the highest that modules of this prefix import. A * is
# any name.
FLOORS = {
    "cli": 9,
    "codec.h265.entry_points": 9,  # names the kernels of all floors; base/kernels/warm.py finds it by name
    "codec.h265.encoder": 8,
    "codec.h265.tools.*.decide": 9,
    "codec.h265.decoder": 8,
    "codec.h265.tools.*.apply": 8,
    "codec.h265.syntax": 7,
    "codec.h265.block_statistics": 7,
    "codec.h265.recon": 6,
    "codec.h265.filters": 6,
    "codec.h265": 5,
    "codec.h265.tools": 4,
    "codec.common": 3,
    "codec.learned": 3,
    "codec.h265.cabac": 2,
    "nets": 2,
    "codec.base": 1,
    "weights": 1,
}
# what may not know each other whatever the floors: (importer, imported)
NEVER = [
    ("codec.common", "codec.h265"),
    ("codec.common", "codec.h266"),
    ("nets", "codec.common"),
    ("nets", "codec.learned"),
    ("codec.learned", "codec.common"),
    ("codec.learned", "codec.h265"),
    ("codec.learned", "codec.h266"),
    ("codec.h265", "codec.learned"),
    ("codec.common", "codec.learned"),
    ("nets", "codec.h265"),
    ("codec.h265", "codec.h266"),
    ("codec.h266", "codec.h265"),
    ("codec.h265.recon", "codec.h265.cabac"),
    ("codec.h265.recon", "codec.h265.filters"),
    ("codec.h265.filters", "codec.h265.cabac"),
    ("codec.h265.syntax", "codec.h265.filters"),
    ("codec.h265.syntax", "codec.h265.tools.*.apply"),
    ("codec.h265.decoder", "codec.h265.encoder"),
    ("codec.h265.decoder", "codec.h265.tools.*.decide"),
    ("codec.h265.encoder", "codec.h265.decoder"),
]


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): path
    for top in ("cli", "codec", "nets", "weights")
    for path in sorted((ROOT / top).rglob("*.py"))
    if "__pycache__" not in path.parts
}


def imports(path, everywhere=True):
    """Full names that a file imports, as module or as module.name; `everywhere`: inside functions as well."""
    tree = ast.parse(path.read_text())
    todo, found = list(tree.body), set()
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif everywhere or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            todo.extend(ast.iter_child_nodes(node))
    return found


def inside(name, prefix):
    """Whether a name is a prefix, or below it."""
    parts, wanted = name.split("."), prefix.split(".")
    return len(parts) >= len(wanted) and all(b in ("*", a) for a, b in zip(parts, wanted, strict=False))


def prefix(module):
    """The longest prefix in FLOORS; None for the packages above them, which are empty."""
    found = (prefix for prefix in FLOORS if inside(module, prefix))
    return max(found, key=lambda prefix: prefix.count("."), default=None)


def floor(module):
    return FLOORS[prefix(module)]


def house_imports(module):
    """The modules of the house that a module imports anywhere."""
    return {name for name in imports(MODULES[module]) if name in MODULES and prefix(name)}


def breaches(module):
    """What is wrong with the imports of a module, as sentences."""
    for name in house_imports(module):
        if floor(name) > floor(module):
            yield f"{module} (floor {floor(module)}) imports {name} (floor {floor(name)})"
        for importer, imported in NEVER:
            if inside(module, importer) and inside(name, imported):
                yield f"{module} imports {name}"


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down(module):
    assert list(breaches(module)) == []


def test_floors_are_as_low_as_they_can_be():
    below = dict.fromkeys(FLOORS, 0)
    for module in MODULES:
        for name in house_imports(module):
            if prefix(name) != prefix(module):
                below[prefix(module)] = max(below[prefix(module)], floor(name))
    assert {name: below[name] + 1 for name in FLOORS} == FLOORS


def test_one_module_knows_numba():
    foreign = ("numba", "llvmlite")
    for module, path in MODULES.items():
        found = {name for name in imports(path) if any(inside(name, package) for package in foreign)}
        assert not found or module == "codec.base.kernels.compiler", f"{module} imports {found}"
    users = {module for module in MODULES if "codec.base.kernels.compiler" in house_imports(module)}
    assert all(inside(module, "codec.base.kernels") or inside(module, "codec.common.blocks") for module in users)


def test_torch_is_never_imported_at_module_level():
    for module, path in MODULES.items():
        assert not any(inside(name, "torch") for name in imports(path, everywhere=False)), module
        if not inside(module, "nets"):
            assert not any(inside(name, "torch") for name in imports(path)), module


def test_nets_are_known_to_the_tools_only():
    for module in MODULES:
        if any(inside(name, "nets") for name in house_imports(module)):
            rooms = ("codec.common.tools", "codec.h265.tools", "codec.learned")
            tool = any(inside(module, room) for room in rooms)
            # a net inside a CTU is run by the kernel that predicts the block
            others = ("cli.pytrain", "cli.learned", "codec.h265.entry_points", "codec.h265.recon.chroma_net")
            assert inside(module, "nets") or inside(module, "cli.e2e") or tool or module in others, module


def test_no_import_cycles():
    state, path = {}, []

    def visit(module):
        state[module] = "open"
        path.append(module)
        for name in sorted(imports(MODULES[module], everywhere=False) & set(MODULES)):
            assert state.get(name) != "open" or name == module, f"{' -> '.join(path)} -> {name}"
            if name not in state:
                visit(name)
        path.pop()
        state[module] = "done"

    for module in MODULES:
        if module not in state:
            visit(module)


def test_the_rules_would_notice(tmp_path, monkeypatch):
    bad = tmp_path / "bad.py"
    bad.write_text("import numba\ndef late():\n    from codec.h265.encoder import encode\n    import torch\n")
    assert {"numba", "torch", "codec.h265.encoder.encode"} <= imports(bad)
    assert "torch" not in imports(bad, everywhere=False)
    monkeypatch.setitem(MODULES, "codec.h265.recon.bad", bad)
    monkeypatch.setitem(MODULES, "codec.h265.encoder.encode", bad)
    assert list(breaches("codec.h265.recon.bad")) != []


@pytest.mark.parametrize("program", ["pyenc", "pydec", "pytrain"])
def test_help_imports_nothing_heavy(program):
    code = f"import sys; sys.argv = ['{program}', '--help']\nfrom cli.{program} import run\nrun(['--help'])\n"
    code += "sys.exit(str([m for m in ('numba', 'torch', 'cv2', 'codec.base.kernels.jit') if m in sys.modules] or ''))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.stderr.strip() == ""
