"""What a job imports: PyTorch and pandas take longer to import than most jobs to do their work."""

import ast
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
NAMES = {script.stem for script in SCRIPTS.glob("*.py")}
WITH_TORCH = {"find_learning_rate", "train", "evaluate", "export_model"}
WITH_TORCH |= {"find_false_alarms", "score_stream", "predict_words"}
WITH_ONNX = {"export_model"}
ONNX = {"onnx", "onnxruntime"}
# Those that run once a word.
WITHOUT_PANDAS = {"inventory", "spectrograms"}


def imported(*names):
    """All modules that the imports of some scripts bring in, together."""
    trees = [ast.parse((SCRIPTS / f"{name}.py").read_text(encoding="utf-8")) for name in names]
    nodes = [node for tree in trees for node in tree.body]
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    return modules_after(ast.unparse(ast.Module(imports, [])))


def modules_after(code):
    """The names of all modules that are imported once a new process has run some code."""
    program = [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"]
    done = subprocess.run(program, cwd=SCRIPTS, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_jobs_without_a_network_do_without_pytorch():
    assert {"torch", *ONNX}.isdisjoint(imported(*NAMES - WITH_TORCH))


def test_jobs_of_one_word_do_without_pandas():
    assert "pandas" not in imported(*WITHOUT_PANDAS)


@pytest.mark.parametrize("name", sorted(WITH_TORCH))
def test_jobs_with_a_network_import_what_they_use(name):
    modules = imported(name)
    assert "torch" in modules
    assert modules & ONNX == (ONNX if name in WITH_ONNX else set())


def test_the_config_is_checked_without_pytorch():
    """Snakemake does so in each of its processes."""
    assert {"torch", "numpy"}.isdisjoint(modules_after("import spokenwords.config.configuration"))


def test_no_script_hides_a_module_of_the_same_name():
    """Their folder is the first place where Python looks for modules."""
    others = {*sys.stdlib_module_names, *importlib.metadata.packages_distributions()}
    assert others.isdisjoint(script.stem for script in SCRIPTS.glob("*.py"))
