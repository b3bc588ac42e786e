"""The import rules of the house (DESIGN): imports go down, one module knows numba, torch is imported late."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# a module's floor is that of its longest prefix here
FLOORS = {
    "cli": 5,
    "codec.entry_points": 5,  # names the kernels of all floors; kernels/warm.py finds it by name
    "codec.encoder": 4,
    "codec.decoder": 4,
    "codec.syntax": 3,
    "codec.filters": 3,
    "codec.recon": 2,
    "codec.cabac": 2,
    "codec.tools": 2,
    "codec.dpb": 2,
    "codec.block_statistics": 2,
    "codec": 1,
    "nets": 1,
    "weights": 1,
}
# modules of one floor that may not know each other, or only one way
NEVER = [
    ("codec.recon", "codec.cabac"),
    ("codec.cabac", "codec.recon"),
    ("codec.filters", "codec.syntax"),
    ("codec.decoder", "codec.encoder"),
    ("codec.encoder", "codec.decoder"),
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
    return name == prefix or name.startswith(prefix + ".")


def floor(module):
    prefixes = [prefix for prefix in FLOORS if inside(module, prefix)]
    return FLOORS[max(prefixes, key=len)] if prefixes else None


def house_imports(module):
    """The modules of the house that a module imports anywhere."""
    return {name for name in imports(MODULES[module]) if name in MODULES}


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


def test_one_module_knows_numba():
    foreign = ("numba", "llvmlite")
    for module, path in MODULES.items():
        found = {name for name in imports(path) if any(inside(name, package) for package in foreign)}
        assert not found or module == "codec.kernels.compiler", f"{module} imports {found}"
    users = {module for module in MODULES if "codec.kernels.compiler" in house_imports(module)}
    assert all(inside(module, "codec.kernels") for module in users)


def test_torch_is_never_imported_at_module_level():
    for module, path in MODULES.items():
        assert not any(inside(name, "torch") for name in imports(path, everywhere=False)), module
        if not inside(module, "nets") and not inside(module, "codec.tools"):
            assert not any(inside(name, "torch") for name in imports(path)), module


def test_nets_are_known_to_the_tools_only():
    for module in MODULES:
        if any(inside(name, "nets") for name in house_imports(module)):
            assert inside(module, "nets") or inside(module, "codec.tools") or module == "cli.pytrain", module


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
    bad.write_text("import numba\ndef late():\n    from codec.encoder import encode\n    import torch\n")
    assert {"numba", "torch", "codec.encoder.encode"} <= imports(bad)
    assert "torch" not in imports(bad, everywhere=False)
    monkeypatch.setitem(MODULES, "codec.recon.bad", bad)
    monkeypatch.setitem(MODULES, "codec.encoder.encode", bad)
    assert list(breaches("codec.recon.bad")) != []


@pytest.mark.parametrize("program", ["pyenc", "pydec", "pytrain"])
def test_help_imports_nothing_heavy(program):
    code = f"import sys; sys.argv = ['{program}', '--help']\nfrom cli.{program} import run\nrun(['--help'])\n"
    code += "sys.exit(str([m for m in ('numba', 'torch', 'cv2', 'codec.kernels.jit') if m in sys.modules] or ''))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.stderr.strip() == ""
