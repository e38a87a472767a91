"""The exported model in 8 bits: what is quantised, how well it agrees, and when it is left out."""

import numpy as np
import onnx
import pandas as pd
import pytest
from test_onnx_model import OF_EACH_SOME, SAMPLES, THRESHOLD, decided, waveforms

from spokenwords.export import onnx_model, quantized

pytestmark = pytest.mark.filterwarnings("ignore:At least one mel filterbank:UserWarning")


def sounds(count=24):
    """Noise of two colours and several levels, and the sounds of `waveforms`."""
    generator = np.random.default_rng(2)
    levels = 10 ** generator.uniform(-1.5, -0.5, size=(count, 1))
    noise = generator.normal(size=(count, SAMPLES))
    noise[::2] = np.cumsum(noise[::2], axis=1) / 10
    return np.concatenate([waveforms(), (levels * noise).clip(-1, 1)]).astype(np.float32)


@pytest.fixture(scope="module", params=["complex", "log_mel", "compressed"])
def models(request):
    """A model of each network, and of spectra with and without a logarithm, and it in 8 bits."""
    classifier = decided(request.param, OF_EACH_SOME[request.param])
    model = onnx_model.to_onnx(classifier, THRESHOLD)
    return model, quantized.quantized(model, sounds())


def test_all_convolutions_but_the_first_two_are_in_8_bits(models):
    before, after = map(onnx.load_from_string, models)
    convolutions = [node for node in after.graph.node if node.op_type == "Conv"]
    assert len(convolutions) == sum(node.op_type == "Conv" for node in before.graph.node) >= 6
    made_by = {output: node.op_type for node in after.graph.node for output in node.output}
    for number, node in enumerate(convolutions):
        inputs = {made_by.get(name) for name in node.input}
        assert ("DequantizeLinear" in inputs) == (number >= 2)
    assert convolutions[0].input[1] == "transform.basis"
    # Each channel has its own scale.
    values = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in after.graph.initializer}
    weights = [value for value in values.values() if value.dtype == np.int8 and value.ndim == 4]
    assert len(weights) == len(convolutions) - 2
    for weight in weights:
        assert (np.abs(weight.astype(int)).reshape(len(weight), -1).max(axis=1) == 127).all()
    # The offset of the logarithm and the linear layers stay as they are.
    floats = {name for name, value in values.items() if value.dtype == np.float32}
    constants = {
        name for node in after.graph.node if node.op_type in ("Add", "Gemm") for name in node.input
    } & values.keys()
    assert constants and constants <= floats


def test_it_agrees_with_the_original_in_a_fraction_of_the_size(models):
    before, after = (onnx_model.session(model, threads=1) for model in models)
    expected, found = (onnx_model.probabilities(one, sounds()) for one in (before, after))
    assert len(set(expected.argmax(axis=1))) > 1
    assert np.abs(expected - found).mean() < 0.05
    assert (expected.argmax(axis=1) == found.argmax(axis=1)).mean() > 0.8
    assert len(models[1]) < 0.45 * len(models[0])


def test_input_output_and_metadata_remain(models):
    before, after = map(onnx.load_from_string, models)
    onnx.checker.check_model(after, full_check=True)
    assert (after.graph.input, after.graph.output) == (before.graph.input, before.graph.output)
    assert after.metadata_props == before.metadata_props
    assert (after.ir_version, after.opset_import) == (before.ir_version, before.opset_import)
    assert not after.graph.value_info


def test_the_same_model_and_recordings_make_the_same_file(models):
    assert quantized.quantized(models[0], sounds()) == models[1]


def test_calibration_takes_recordings_of_all_words():
    train = pd.DataFrame({"file": [f"{word}/{n}.wav" for word in "abcd" for n in range(200)]})
    files = quantized.calibration_files(train)
    assert len(files) == len(set(files)) == 300
    assert [sum(file[0] == word for file in files) for word in "abcd"] == [75] * 4
    assert quantized.calibration_files(train[:7]) == list(train["file"][:7])


@pytest.mark.parametrize(
    ("accuracy", "accurate"), [(0.98, True), (0.97, True), (0.9699, False), (0.54, False)]
)
def test_accuracy_may_fall_by_half_a_point(accuracy, accurate):
    assert quantized.is_accurate(accuracy, 0.975) == accurate
