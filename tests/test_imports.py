"""Imports point one way, inference needs no training code, and importing the package costs nothing.

Every module of the package is parsed, so a new one is held to the rules without being named here.
A room is a module or folder directly in `spaces`.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "spaces"

# From the ground up. A module imports from its own floor or below; rooms that are not named
# stand where REST does; within a floor the order is free, as long as it goes in no circle.
REST = "*"
FLOORS = [
    {"errors"},
    {
        *("files", "records", "sentences", "words", "metrics", "folds", "training", "pretrained"),
        *("causes", "declarations", "parties", "bearers", "wording", "sections"),
        *("passages", "templates"),
    },
    {"extract", "generate"},
    {"provenance", "summarizer", REST},
    {"batch", "pipeline"},
    {"cli", "model_commands"},
    {"__main__"},
]
# Rooms side by side that know nothing of each other.
STRANGERS = [("extract", "generate")]
# Modules only training needs (and all called `training`), and packages only training installs.
# A door may import them too, but inside a function, when asked to train.
TRAINING = {
    "spaces.pipeline",
    "spaces.pairs",
    "spaces.recipe",
    "spaces.steps",
    "spaces.shards",
    "spaces.generate.pretraining",
    "spaces.extract.crossfit",
    "spaces.extract.tuning",
}
TRAINING_PACKAGES = {"datasets", "accelerate", "yaml"}
DOORS = {"spaces.cli", "spaces.model_commands", "spaces.records"}
# What takes long to import; modules that serve without them import them inside functions.
LIGHT = {
    *("errors", "files", "records", "sentences", "words", "metrics", "folds"),
    *("causes", "declarations", "parties", "bearers", "wording", "sections"),
    *("cli", "model_commands", "console", "options", "__init__"),
}
# What takes long and no summary needs.
SLOW = {
    *("transformers.modeling_utils", "transformers.trainer", "torch._dynamo"),
    *("torch.distributed.tensor", "scipy", "pandas", "datasets", "accelerate"),
}
HEAVY = {"torch", "transformers", "tokenizers", "jieba", "rouge_score", "datasets", "numpy"}


def name_of(path: Path) -> str:
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    name_of(path): ast.parse(path.read_text("utf-8"), str(path))
    for path in sorted(PACKAGE.rglob("*.py"))
}


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def floor_of(module: str) -> int:
    heights = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
    return heights.get(room_of(module), heights[REST])


def is_training(module: str) -> bool:
    in_pipeline = module.startswith("spaces.pipeline.")
    return in_pipeline or module in TRAINING or module.endswith(".training")


def imports_of(module: str, *, everywhere: bool = True) -> set[str]:
    """Modules that a module imports, `if TYPE_CHECKING` apart.

    everywhere: also inside functions; otherwise only what runs when the module is imported.
    `from spaces.extract import oracle` counts as spaces.extract and spaces.extract.oracle.
    """
    found: set[str] = set()

    def add(name: str) -> None:
        if name in MODULES or not name.startswith("spaces"):
            found.add(name)

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for child in node.orelse:
                visit(child)
            return
        if not everywhere and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return
        if isinstance(node, ast.Import):
            for alias in node.names:
                add(alias.name)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                package = module.split(".")
                if not is_package(module):
                    package = package[:-1]
                package = package[: len(package) - node.level + 1]
                origin = ".".join([*package, *([node.module] if node.module else [])])
            add(origin)
            for alias in node.names:
                add(f"{origin}.{alias.name}")
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(MODULES[module])
    return found


def is_package(module: str) -> bool:
    return (REPOSITORY / module.replace(".", "/") / "__init__.py").exists()


def own(names: set[str]) -> set[str]:
    return {name for name in names if name.split(".")[0] == "spaces" and name != "spaces"}


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module: str) -> None:
    if module == "spaces":
        assert not own(imports_of(module, everywhere=False))
        return
    for other in own(imports_of(module)):
        assert floor_of(other) <= floor_of(module), f"{module} imports {other}"
        for pair in STRANGERS:
            assert {room_of(module), room_of(other)} != set(pair), f"{module} imports {other}"


def test_no_circles_when_modules_are_imported() -> None:
    done: set[str] = set()

    def follow(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path, module])
        if module not in done:
            for other in own(imports_of(module, everywhere=False)) - {module}:
                follow(other, (*path, module))
            done.add(module)

    for module in MODULES:
        follow(module, ())


@pytest.mark.parametrize("module", [m for m in MODULES if not is_training(m)])
def test_inference_imports_no_training_code(module: str) -> None:
    names = imports_of(module, everywhere=module not in DOORS)
    trained = {name for name in names if is_training(name)}
    packages = {name for name in names if name.split(".")[0] in TRAINING_PACKAGES}
    assert not trained | packages, f"{module} imports {trained | packages}"


@pytest.mark.parametrize("module", [m for m in MODULES if room_of(m) in LIGHT])
def test_light_modules_load_nothing_heavy(module: str) -> None:
    names = imports_of(module, everywhere=False)
    assert not {name for name in names if name.split(".")[0] in HEAVY}


def test_the_rules_can_be_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import torch\nfrom .. import cli\ndef f():\n    from spaces.extract import training\n"
    monkeypatch.setitem(MODULES, "spaces.generate.bad", ast.parse(code))
    monkeypatch.setitem(MODULES, "spaces.extract.training", ast.parse(""))
    monkeypatch.setitem(MODULES, "spaces.cli", ast.parse(""))
    names = imports_of("spaces.generate.bad")
    assert {"torch", "spaces.cli", "spaces.extract.training"} <= names
    assert "spaces.extract.training" not in imports_of("spaces.generate.bad", everywhere=False)
    for test in (test_imports_point_down, test_inference_imports_no_training_code):
        with pytest.raises(AssertionError):
            test("spaces.generate.bad")


def test_importing_the_package_is_free() -> None:
    code = f"""
import sys
before, opened = set(sys.modules), []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
import spaces
print(sorted({{m.split(".")[0] for m in set(sys.modules) - before}} & {HEAVY!r}))
print([path for path in opened if ".py" not in path])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n[]\n", "")


def test_a_summarizer_loads_no_code_that_trains_or_generates() -> None:
    """Importing `transformers.PreTrainedModel`, or building on the meta device, doubles the time
    until a summary is there."""
    code = f"""
import sys
from pathlib import Path
from spaces import Summarizer
summarizer = Summarizer.from_pretrained()
summarizer.summarize(Path("data/samples/loan.txt").read_text(encoding="utf-8"))
print(sorted({SLOW!r} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
