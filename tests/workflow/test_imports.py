"""What a job imports: PyTorch and pandas take longer to import than most jobs to do their work."""

import ast
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
WITH_TORCH = {"find_learning_rate", "train", "evaluate", "export_model"}
WITH_TORCH |= {"find_false_alarms", "predict_words"}
WITH_ONNX = {"export_model"}
# Those that run once a word.
WITHOUT_PANDAS = {"inventory", "spectrograms"}


def imported(script):
    """All modules that the imports of a script bring in."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    code = ast.unparse(ast.Module(imports, [])) + "\nimport sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.py")), ids=lambda script: script.stem)
def test_jobs_import_only_what_they_use(script):
    modules = imported(script)
    assert ("torch" in modules) == (script.stem in WITH_TORCH)
    for package in ("onnx", "onnxruntime"):
        assert (package in modules) == (script.stem in WITH_ONNX)
    if script.stem in WITHOUT_PANDAS:
        assert "pandas" not in modules


def test_the_config_is_checked_without_pytorch():
    """Snakemake does so in each of its processes."""
    code = "import spokenwords.config.configuration, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True
    )
    assert {"torch", "numpy"}.isdisjoint(done.stdout.split())


def test_no_script_hides_a_module_of_the_same_name():
    """Their folder is the first place where Python looks for modules."""
    others = {*sys.stdlib_module_names, *importlib.metadata.packages_distributions()}
    assert others.isdisjoint(script.stem for script in SCRIPTS.glob("*.py"))
