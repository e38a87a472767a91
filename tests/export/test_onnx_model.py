"""The exported model: waveforms in, the same probabilities out as PyTorch's, and its card."""

import json
import os
import subprocess
import sys

import copies
import numpy as np
import onnx
import pandas as pd
import pytest
import scipy
import torch
import yaml
from predicted import row

from spokenwords.config.input_sizes import SMALLEST, rows
from spokenwords.errors import UserError
from spokenwords.evaluation import predictions
from spokenwords.export import latency, onnx_model, parity
from spokenwords.export.onnx_model import FourierConvolution, WaveformClassifier
from spokenwords.model import thresholds
from spokenwords.model.classifier import Classifier
from spokenwords.model.networks import NETWORKS
from spokenwords.model.representation import REPRESENTATIONS
from spokenwords.recordings import audio, manifest
from spokenwords.spectrograms.stft import STFT

# Hardly more than the published network takes: 81 frequencies and 84 frames.
TINY = STFT(sample_rate=1000, n_fft=160, window_seconds=0.05, stride_seconds=0.012, normalized=True)
SAMPLES = 1000
THRESHOLD = 0.525
WORDS = ["bed", "NA", "ja|nein 日本", "unknown", "silence"]
# ONNX Runtime adds in another order than PyTorch does.
CLOSE = {"rtol": 0, "atol": 1e-4}

pytestmark = pytest.mark.filterwarnings("ignore:At least one mel filterbank:UserWarning")


def waveforms(samples=SAMPLES):
    """Five recordings: noise loud and soft, silence, a clipped tone, an impulse."""
    generator = np.random.default_rng(1)
    impulse = np.zeros(samples)
    impulse[samples // 3] = 1
    clipped = np.clip(10 * np.sin(np.arange(samples) / 3), -1, 1)
    loud, soft = generator.normal(scale=[[0.3], [0.001]], size=(2, samples)).clip(-1, 1)
    return np.stack([loud, soft, np.zeros(samples), clipped, impulse]).astype(np.float32)


def decided(representation, network, transform=TINY, seed=0):
    """A classifier that answers differently to different waveforms, and is sure of it.

    An untrained one gives all words nearly the same probability, whatever it is given.
    """
    torch.manual_seed(seed)
    classifier = Classifier(WORDS, representation, transform, SAMPLES, network, WORDS[3:])
    spectrograms = torch.from_numpy(transform.complex_spectrogram(waveforms()))
    for module in classifier.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = 1.0  # Takes the batch's own mean and variance.
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias)
        if isinstance(module, torch.nn.Dropout | torch.nn.Dropout2d):
            module.p = 0
    with torch.no_grad():
        classifier.train()(spectrograms)
        scores = classifier.eval()(spectrograms)
        *_, last = classifier.network
        scale = 8 / scores.std(dim=0).mean()
        last.weight *= scale
        last.bias.copy_(scale * (last.bias - scores.mean(dim=0)))
    return classifier


@torch.inference_mode()
def by_pytorch(classifier, batch):
    spectrograms = classifier.transform.complex_spectrogram(batch)
    return classifier(torch.from_numpy(spectrograms)).softmax(dim=1).numpy()


@pytest.fixture(scope="module")
def classifier():
    classifier = decided("log_mel", "residual")
    classifier.confidences = np.linspace(0.5, 1, 101, dtype=np.float32)
    return classifier


@pytest.fixture(scope="module")
def model(classifier):
    return onnx_model.to_onnx(classifier, THRESHOLD)


@pytest.fixture(scope="module")
def running(model):
    return onnx_model.session(model, threads=1)


# The transform.


@pytest.mark.parametrize("normalized", [True, False])
@pytest.mark.parametrize(
    ("n_fft", "window", "hop"),
    [
        (64, 64, 16),
        (64, 50, 20),
        (64, 49, 20),
        (63, 63, 7),
        (63, 50, 20),
        (65, 20, 33),
        (64, 5, 64),
        (30, 30, 100),
        (31, 2, 1),
    ],
)
def test_the_convolution_is_the_transform(n_fft, window, hop, normalized):
    transform = STFT(1000, n_fft, window / 1000, hop / 1000, normalized)
    batch = waveforms(203)
    found = FourierConvolution(transform)(torch.from_numpy(batch)).numpy()
    ours = transform.complex_spectrogram(batch)
    hann = torch.hann_window(window, periodic=True, dtype=torch.float64)
    theirs = torch.stft(
        torch.from_numpy(batch).double(),
        n_fft,
        hop,
        window,
        hann,
        center=True,
        pad_mode="reflect",
        return_complex=True,
    )
    if normalized:
        theirs /= hann.square().sum().sqrt()
    scale = theirs.abs().max().item()
    assert scale > 0.1
    assert found.shape == ours.shape == (5, 2, n_fft // 2 + 1, theirs.shape[-1])
    np.testing.assert_allclose(found, ours, rtol=0, atol=1e-6 * scale)
    np.testing.assert_allclose(found[:, 0], theirs.real, rtol=0, atol=1e-6 * scale)
    np.testing.assert_allclose(found[:, 1], theirs.imag, rtol=0, atol=1e-6 * scale)


def test_the_basis_is_as_long_as_the_window_and_exact_after_many_turns():
    """As exact as float32 is. The quotients of another n_fft than a power of two are not in it."""
    transform = STFT(16_000, 400, 0.0225, 0.01, False)
    basis = FourierConvolution(transform).basis
    assert basis.shape == (2 * 201, 1, 360)
    frequency, sample = np.ogrid[:201, 20:380]
    waves = np.exp(-2j * np.pi * (frequency * sample % 400) / 400)
    expected = waves * scipy.signal.get_window("hann", 360, fftbins=True)
    # Half of what the last digit of a number below 1 stands for.
    exact = {"rtol": 0, "atol": 2**-25 + 1e-12}
    np.testing.assert_allclose(basis[:201, 0], expected.real, **exact)
    np.testing.assert_allclose(basis[201:, 0], expected.imag, **exact)


# The model.

PAIRS = [
    (representation, network)
    for network in NETWORKS
    for representation in REPRESENTATIONS
    if rows(representation, TINY.n_fft) >= SMALLEST[network]
]
# An export takes two seconds: of each representation and each network some; the rest in the soak.
OF_EACH_SOME = {representation: network for representation, network in reversed(PAIRS)}
OF_EACH_SOME["compressed"] = "residual"


@pytest.mark.parametrize(
    ("representation", "network"),
    [
        pytest.param(*pair, marks=[] if OF_EACH_SOME[pair[0]] == pair[1] else pytest.mark.soak)
        for pair in PAIRS
    ],
)
def test_every_representation_and_network_is_exported(representation, network):
    classifier = decided(representation, network)
    running = onnx_model.session(onnx_model.to_onnx(classifier, THRESHOLD), threads=1)
    batch = waveforms()
    expected = by_pytorch(classifier, batch)
    # That it agrees is to mean something.
    assert len(set(expected.argmax(axis=1))) > 1
    assert expected.max() > 0.8
    found = onnx_model.probabilities(running, batch)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, **CLOSE)
    for number in range(len(batch)):
        alone = onnx_model.probabilities(running, batch[number : number + 1])
        np.testing.assert_allclose(alone, expected[number : number + 1], **CLOSE)


def test_what_goes_in_and_comes_out(running):
    [taken], [given] = running.get_inputs(), running.get_outputs()
    assert (taken.name, taken.type, taken.shape) == ("waveform", "tensor(float)", ["batch", 1000])
    assert (given.name, given.type) == ("probabilities", "tensor(float)")
    assert given.shape == ["batch", len(WORDS)]
    for count in (1, 2, 7):
        found = onnx_model.probabilities(running, waveforms()[:1].repeat(count, axis=0))
        assert found.shape == (count, len(WORDS))
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


def test_metadata_say_what_the_numbers_mean(running):
    about = running.get_modelmeta().custom_metadata_map
    assert json.loads(about["classes"]) == WORDS
    assert json.loads(about["no_words"]) == ["unknown", "silence"]
    assert float(about["threshold"]) == THRESHOLD
    assert (about["sample_rate"], about["samples"]) == ("1000", "1000")
    # Frames are 12 samples apart, windows 8 of them, nearest to 0.1 s.
    assert (about["hop"], about["step"], about["smoothing"]) == ("12", "96", "3")
    assert (float(about["suppression"]), float(about["reach"])) == (500, 300)
    assert set(about) == {
        *("classes", "no_words", "threshold", "sample_rate", "samples"),
        *("hop", "step", "smoothing", "suppression", "reach"),
    }


def test_the_file_is_valid_and_does_not_show_where_it_was_made(model):
    onnx.checker.check_model(model, full_check=True)
    read = onnx.load_from_string(model)
    assert [(entry.domain, entry.version) for entry in read.opset_import] == [("", 18)]
    # As old as its operators, and so for all runtimes that have these.
    assert read.ir_version == 8
    assert not any(tensor.external_data for tensor in read.graph.initializer)
    for place in (b'File "', b"onnx_model.py", b"site-packages", b"/scripts/"):
        assert place not in model


def test_the_same_model_makes_the_same_file(classifier, model):
    assert onnx_model.to_onnx(classifier, THRESHOLD) == model


def test_exporting_leaves_the_classifier_as_it_was():
    classifier = decided("complex", "published")
    before = {name: value.clone() for name, value in classifier.state_dict().items()}
    strides = [value.stride() for value in classifier.parameters()]
    classifier.train()
    exported = WaveformClassifier(classifier)
    assert classifier.training and not exported.training
    assert [value.stride() for value in classifier.parameters()] == strides
    for name, value in classifier.state_dict().items():
        assert torch.equal(value, before[name])
    with torch.no_grad():
        exported.network[0].weight.zero_()
    assert classifier.network[0].weight.abs().sum() > 0


# Parity.


@pytest.fixture
def recordings(write_noise, tmp_path):
    """Names of recordings, more than a batch, one of another rate and length; and their folder."""
    files = [f"bed/{number}.wav" for number in range(parity.BATCH_SIZE + 2)]
    for seed, file in enumerate(files[:-1]):
        write_noise(file, seed)
    write_noise(files[-1], 1000, seconds=0.7, rate=2000)
    return tmp_path / "recordings", files


def evaluated(probabilities, classes, targets=None, files=None):
    """Predictions as they are stored, given probabilities [recording, class]."""
    predicted = [classes[i] for i in probabilities.argmax(axis=1)]
    return pd.DataFrame(
        row(file, target, prediction, dict(zip(classes, own, strict=True)))
        for file, target, prediction, own in zip(
            files or predicted,
            targets or predicted,
            predicted,
            probabilities.tolist(),
            strict=True,
        )
    )


def test_recordings_are_compared_in_their_order(classifier, running, recordings):
    folder, files = recordings
    batch = parity.load(classifier, folder, files, "start")
    # Of 0.7 s there are zeros behind.
    assert batch[-1, 699:].tolist()[1:] == [0] * 300
    expected = np.concatenate([by_pytorch(classifier, one[None]) for one in batch])
    stored = evaluated(expected, WORDS, files=files)
    found = parity.compare(classifier, running, folder, stored, "start")
    assert len(found.to_pytorch) == len(files)
    assert parity.check(found.to_pytorch, files) == found.to_pytorch.max() <= parity.LIMIT
    np.testing.assert_array_equal(found.answers, expected.argmax(axis=1))
    assert (found.to_stored <= CLOSE["atol"]).all()
    # Most of these recordings are answered alike, but not those at either end.
    reversed_ = parity.compare(
        classifier, running, folder, stored.assign(file=files[::-1]), "start"
    )
    assert (reversed_.to_stored[[0, 1, -2, -1]] > 0.1).all()


def test_another_model_is_refused(running, recordings):
    folder, files = recordings
    stored = evaluated(np.full((len(files), len(WORDS)), 0.2), WORDS, files=files)
    found = parity.compare(decided("log_mel", "residual", seed=1), running, folder, stored, "start")
    with pytest.raises(UserError, match="not exported"):
        parity.check(found.to_pytorch, files)


@pytest.mark.parametrize("wrong", [1.1e-4, np.nan])
def test_a_single_wrong_probability_is_refused_and_its_recording_named(wrong):
    with pytest.raises(UserError, match=r"b\.wav"):
        parity.check(np.array([0, wrong, 1e-5]), ["a.wav", "b.wav", "c.wav"])


def test_a_difference_within_the_limit_is_returned():
    assert parity.check(np.array([1e-6, 9e-5, 0]), ["a", "b", "c"]) == pytest.approx(9e-5)


def test_largest_differences_of_any_class_and_of_those_stored(
    classifier, running, recordings, monkeypatch
):
    """Of what is stored, the likeliest three and the target; a lower probability counts too."""
    folder, files = recordings
    waveforms = parity.load(classifier, folder, files[:2], "start")
    expected = by_pytorch(classifier, waveforms)
    order = expected[0].argsort()[::-1]
    stored = evaluated(expected, WORDS, targets=[WORDS[order[3]]] * 2, files=files[:2])
    for place, compared in [(0, True), (2, True), (3, True), (4, False)]:
        wrong = expected.copy()
        wrong[0, order[place]] -= 0.01
        monkeypatch.setattr(parity.onnx_model, "probabilities", lambda *_, wrong=wrong: wrong)
        found = parity.compare(classifier, running, folder, stored, "start")
        assert found.to_pytorch == pytest.approx([0.01, 0], abs=1e-4)
        assert found.to_stored == pytest.approx([0.01 * compared, 0], abs=1e-4)


def test_recordings_are_cut_as_for_training(classifier, write_noise, tmp_path):
    path = write_noise("bed/0.wav", 0, seconds=3)
    for window in ("start", "loudest"):
        [waveform] = parity.load(classifier, tmp_path / "recordings", ["bed/0.wav"], window)
        np.testing.assert_array_equal(waveform, audio.load(path, 1000, 1000, window))


def test_a_missing_recording_is_reported(classifier, tmp_path):
    with pytest.raises(UserError, match=r"bed/0\.wav"):
        parity.load(classifier, tmp_path, ["bed/0.wav"], "start")


def test_agreement_with_stored_predictions():
    stored = pd.DataFrame({"target": ["x", "NA", "NA", "NA"], "prediction": ["x", "NA", "NA", "x"]})
    stored["speaker"] = ["ann", "bob", "bob", "bob"]
    summary = parity.on_test_set(np.array([0, 1, 0, 1]), stored, ["x", "NA"])
    # Right of NA are the second and the fourth, of which the evaluation had one wrong.
    assert summary["accuracy"] == 3 / 4
    assert summary["same_answers"] == 2 / 4
    low, high = summary["accuracy_interval"]
    assert 0 < low < 3 / 4 < high <= 1


def test_times_are_medians_after_a_warm_up(monkeypatch):
    """By a clock of which a call alone takes as long as its recording says."""
    now, calls = [0.0], []

    def answer(_, batch):
        alone = len(batch) == 1
        # The first calls of either kind are slow.
        warm = calls.count(len(batch)) >= (latency.WARM_UP if alone else 1)
        calls.append(len(batch))
        now[0] += (float(batch[0, 0]) if alone else 2.0) if warm else 100.0

    monkeypatch.setattr(latency.onnx_model, "session", lambda model, threads: threads)
    monkeypatch.setattr(latency.onnx_model, "probabilities", answer)
    monkeypatch.setattr(latency.time, "perf_counter", lambda: now[0])
    summary = latency.measure(b"", np.array([[0.004], [0.005], [0.006]], np.float32))
    assert summary["median_ms"] == pytest.approx(5, rel=1e-4)
    assert summary["percentile_95_ms"] == pytest.approx(6, rel=1e-4)
    assert summary["recordings_per_second"] == pytest.approx(32)
    assert calls.count(1) == latency.WARM_UP + summary["calls"]
    assert set(calls) == {1, 64}


# The target.


@pytest.fixture(scope="module")
def exported(finished, made_once):
    """The finished workflow, one of its models exported."""

    def make(folder):
        copy = finished.duplicate(folder)
        copy.overlay["dataset"] = {"source": "folder", "folder": "data/small"}
        copy.overlay["train"] = ["complex"]
        copy.overlay["predict"] = {"keep": 0.9}
        copy.run("export")
        return copy

    return made_once("exported", make)


def plan(copy):
    jobs = copy.plan("export")
    jobs.pop("export", None)
    return jobs


@pytest.mark.workflow
def test_the_target_makes_the_files_once(exported):
    folder = exported.results / "runs/complex/export"
    summary = json.loads((folder / "export.json").read_text())
    listening = json.loads((folder / "listen.json").read_text())
    assert {path.name for path in folder.iterdir()} == {
        "model.onnx",
        *(["model.int8.onnx"] if summary["int8"]["written"] else []),
        "classes.json",
        "export.json",
        "model_card.md",
        "listen.json",
        *([] if listening["problem"] else ["listen.html"]),
    }
    assert listening["problem"] or (folder / "listen.html").stat().st_size == listening["bytes"]
    assert plan(exported) == {}
    stored = predictions.read(folder.parent / "predictions.csv")
    test = manifest.read(exported.results / "splits/speaker/test.csv")
    assert summary["parity"]["recordings"] == len(stored) == len(test) > 0
    assert 0 < summary["parity"]["largest_difference"] <= 1e-4
    assert summary["bytes"] == (folder / "model.onnx").stat().st_size
    assert summary["test"]["largest_difference_to_stored"] < 0.1
    classifier = Classifier.load(folder.parent / "model.pt")
    assert summary["threshold"] == thresholds.threshold(classifier.confidences, 0.9)
    # Of few correct answers, more than the share are accepted.
    assert summary["kept"] == (classifier.confidences >= summary["threshold"]).mean() >= 0.9
    assert json.loads((folder / "classes.json").read_text()) == {
        **{"classes": copies.WORDS, "no_words": []},
        **{"threshold": summary["threshold"], "sample_rate": 16_000, "samples": 16_000},
        # Frames are 200 samples apart, windows 8 of them.
        **{"hop": 200, "step": 1600, "smoothing": 3, "suppression": 8000, "reach": 4800},
    }
    assert not (exported.results / "runs/mel/export").exists()


@pytest.mark.workflow
def test_an_export_is_made_again_when_its_model_is(exported, tmp_path):
    copy = exported.duplicate(tmp_path / "copy")
    both = {"export_model": 1, "write_listen_page": 1, "write_model_card": 1}
    (copy.results / "runs/complex/export/model.onnx").unlink()
    assert plan(copy) == both
    copy = exported.duplicate(tmp_path / "other")
    # So that the threshold is another.
    copy.overlay["predict"]["keep"] = 0.8
    assert plan(copy) == both
    copy.overlay["predict"]["keep"] = 0.9
    # Where the same recordings lie makes no difference.
    (copy.folder / "data/small").rename(copy.folder / "data/moved")
    copy.overlay["dataset"]["folder"] = "data/moved"
    assert plan(copy) == {}
    # Only the card depends on the licence.
    (copy.folder / "data/moved/LICENSE.txt").touch()
    assert plan(copy) == {"write_model_card": 1}
    copy.overlay["runs"]["complex"]["epochs"] = 3
    assert both.items() <= plan(copy).items()


@pytest.mark.workflow
def test_the_card_contains_no_settings_of_the_machine(exported):
    """A change of what it contains, and of nothing else, writes it again."""
    card = (exported.results / "runs/complex/export/model_card.md").read_text(encoding="utf-8")
    summary = yaml.safe_load(card.partition("```yaml\n")[2].partition("```")[0])
    assert (summary["epochs"], summary["features"]["stft"]["n_fft"]) == (2, 160)
    assert summary["split"]["method"] == "speaker"
    assert {"run", "device", "compile", "memory_budget"}.isdisjoint(summary)
    assert {"chunk_length", "compression"}.isdisjoint(summary["features"])


@pytest.mark.workflow
def test_the_card_of_a_run_of_some_words_has_its_false_alarms(spotter, tmp_path):
    copy = spotter.duplicate(tmp_path / "copy")
    copy.overlay["predict"] = {"keep": 0.9}
    folder = copy.results / "runs/spotter"
    copy.run(str((folder / "export/model_card.md").relative_to(copy.folder)))
    table = pd.read_csv(folder / "false_alarms.csv")
    [row] = table[table["share"] == 0.9].to_dict("records")
    assert row["threshold"] == json.loads((folder / "export/export.json").read_text())["threshold"]
    card = (folder / "export/model_card.md").read_text(encoding="utf-8")
    assert (
        f"Of {row['strangers_tested']} test recordings of out-of-vocabulary words, "
        f"{row['strangers']:.1%} ({row['strangers_low']:.1%} to {row['strangers_high']:.1%})"
    ) in card
    assert "searched with a sliding window" in card
    assert "segments of noise |" in card


@pytest.mark.workflow
def test_the_program_of_the_card_runs_next_to_the_model(exported, tmp_path):
    folder = exported.results / "runs/complex/export"
    card = (folder / "model_card.md").read_text(encoding="utf-8")
    program = tmp_path / "recognise.py"
    program.write_text(card.partition("```python\n")[2].partition("```")[0], encoding="utf-8")
    stored = predictions.read(folder.parent / "predictions.csv")
    # Of which rounding of stored spectrograms does not change the answer.
    number = int((stored["probability"] - stored["second_probability"]).argmax())
    recording = exported.folder / exported.overlay["dataset"]["folder"] / stored["file"][number]
    done = subprocess.run(
        [sys.executable, str(program), str(recording)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    threshold = json.loads((folder / "export.json").read_text())["threshold"]
    row = stored.loc[number]
    assert row["probability"] > threshold
    word, probability = done.stdout.split()[-2:]
    assert word == row["prediction"]
    assert float(probability) == pytest.approx(row["probability"], abs=0.02)


@pytest.mark.workflow
def test_a_model_that_differs_is_refused_and_nothing_written(exported, tmp_path):
    copy = exported.duplicate(tmp_path / "copy")
    module = copy.library / "export/onnx_model.py"
    text = module.read_text()
    assert text.count("angles.cos()") == 1
    module.write_text(text.replace("angles.cos()", "0 * angles.cos()"))
    done = copy.snakemake("export")
    assert done.returncode == 1
    assert "differ from PyTorch's" in done.stdout
    assert "Traceback" not in done.stdout
    assert not list((copy.results / "runs/complex/export").glob("*.onnx"))


@pytest.mark.workflow
def test_what_cannot_be_made_is_left_out_and_the_export_goes_on(exported, tmp_path, monkeypatch):
    """An inaccurate model in 8 bits, and the page that listens, without npm; none is left over."""
    copy = exported.duplicate(tmp_path / "copy")
    module = copy.library / "export/quantized.py"
    module.write_text(module.read_text().replace("LIMIT = 0.005", "LIMIT = -2"))
    (copy.results / "web_runtime.json").unlink()
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error code ENOTFOUND' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    folder = copy.results / "runs/complex/export"
    left_out = {folder / "model.int8.onnx", folder / "listen.html"}
    for path in left_out:
        path.touch()
    done = copy.snakemake("export")
    assert done.returncode == 0, done.stdout
    assert "model.int8.onnx is not written: its accuracy is" in done.stdout
    assert "listen.html is not written: `npm ci` failed (npm error code ENOTFOUND)." in done.stdout
    assert left_out.isdisjoint(folder.iterdir())
    assert json.loads((folder / "export.json").read_text())["int8"]["written"] is False
    card = (folder / "model_card.md").read_text(encoding="utf-8")
    assert "points less are accepted" in card
    assert "There is no page that listens:" in card
    assert plan(copy) == {}
