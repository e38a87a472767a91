"""Evaluation, on an example small enough to be reckoned by hand, and the confusion table."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import f1_score

from spokenwords.evaluation import confusion, metrics, predictions
from spokenwords.model import inference, thresholds
from spokenwords.spectrograms.stft import STFT
from spokenwords.training import loop

WORDS = ["bird", "cat", "dog"]
LABELS = torch.tensor([0, 0, 1, 1, 2])
# Probabilities of the five recordings; three of them go to the right word.
PROBABILITIES = torch.tensor(
    [[0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.1, 0.8, 0.1], [0.0625, 0.75, 0.1875], [0.5, 0.25, 0.25]]
)
# Any constant added to a recording's scores leaves its probabilities as they are.
SCORES = PROBABILITIES.log() + torch.tensor([0.0, 5.0, -3.0, 100.0, 1.0])[:, None]
LOSSES = -np.log([0.7, 0.3, 0.8, 0.75, 0.25])
MANIFEST = pd.DataFrame(
    {
        "file": [f"recording{number}.wav" for number in range(5)],
        "word": [WORDS[label] for label in LABELS],
        "label": LABELS.numpy(),
        "speaker": ["a", "b", "c", "d", "e"],
        "row": range(5),
    }
)


class Known:
    """A classifier and recordings in one, whose scores are known: two batches of them."""

    def __init__(self, scores, labels=LABELS):
        self.labels, self.words = labels, range(scores.shape[1])
        self.in_order = lambda size: zip(scores.split(3), labels.split(3), strict=True)

    def __len__(self):
        return len(self.labels)

    def eval(self):
        pass

    def __call__(self, batch):
        return batch


def outcomes_of(scores, labels=LABELS):
    known = Known(scores, labels)
    return inference.outcomes(known, known, places=3)


def predicted(manifest, words, scores=SCORES, labels=LABELS):
    found = outcomes_of(scores, labels)
    shown = (found.classes, found.probabilities, found.label_probabilities)
    return predictions.table(manifest, words, *(values.numpy() for values in shown))


@pytest.fixture
def table():
    return predicted(MANIFEST, WORDS)


def test_loss_and_accuracy():
    loss, accuracy = loop.loss_and_accuracy(outcomes_of(SCORES))
    expected = -sum(map(math.log, [0.7, 0.3, 0.8, 0.75, 0.25])) / 5
    assert loss == pytest.approx(expected, abs=1e-5)
    assert accuracy == pytest.approx(3 / 5)


def test_predictions(table):
    assert list(table["prediction"]) == ["bird", "cat", "cat", "cat", "bird"]
    # Of the third recording, and the fifth, two words are equally likely.
    assert list(table["second"][[0, 1, 3]]) == ["cat", "bird", "dog"]
    assert list(table["third"][[0, 1, 3]]) == ["dog", "dog", "bird"]
    assert list(table["target"]) == ["bird", "bird", "cat", "cat", "dog"]
    for column in ("file", "speaker"):
        assert list(table[column]) == list(MANIFEST[column])
    np.testing.assert_allclose(table["target_probability"], [0.7, 0.3, 0.8, 0.75, 0.25], atol=1e-5)
    likeliest = table[["probability", "second_probability", "third_probability"]].to_numpy()
    np.testing.assert_allclose(likeliest, -np.sort(-PROBABILITIES.numpy()), atol=1e-5)


def test_of_many_words_the_three_likeliest_are_listed():
    scores = 5 * torch.randn(5, 30, generator=torch.Generator().manual_seed(1))
    words = [f"word{n}" for n in range(30)]
    rows = predicted(MANIFEST, words, scores).to_dict("records")
    expected = np.exp(scores.double().numpy())
    expected /= expected.sum(axis=1, keepdims=True)
    for row, probabilities, label in zip(rows, expected, LABELS, strict=True):
        order = np.argsort(-probabilities)[:3]
        assert row["target_probability"] == pytest.approx(probabilities[label], abs=1e-6)
        likeliest = predictions.likeliest(row)
        assert [word for word, _ in likeliest] == [words[i] for i in order]
        assert [value for _, value in likeliest] == pytest.approx(probabilities[order], abs=1e-6)


def test_of_equally_likely_words_the_first_is_the_prediction():
    scores = torch.randint(3, (500, 12), generator=torch.Generator().manual_seed(1)).float()
    probabilities = scores.softmax(dim=1)
    classes, values = inference.ranked(probabilities, 3)
    order = np.argsort(-probabilities.numpy(), axis=1, kind="stable")[:, :3]
    np.testing.assert_array_equal(classes, order)
    np.testing.assert_array_equal(values, np.take_along_axis(probabilities.numpy(), order, 1))
    np.testing.assert_array_equal(classes[:, 0], thresholds.best(probabilities.numpy())[0])


def test_what_is_kept_does_not_grow_with_the_number_of_words():
    found = outcomes_of(torch.randn(5, 10_000))
    assert sum(values.untyped_storage().nbytes() for values in vars(found).values()) < 500


def test_of_two_words_there_is_no_third():
    table = predicted(MANIFEST, WORDS[:2], SCORES[:, :2][[0, 1, 2, 3, 0]], LABELS.clamp(max=1))
    assert list(table["second"]) == ["cat", "bird", "bird", "bird", "cat"]
    assert "third" not in table
    assert table["probability"][1] == pytest.approx(2 / 3, abs=1e-6)


def test_manifest_whose_index_is_mixed_up(table):
    mixed = predicted(MANIFEST.set_axis([3, 1, 4, 0, 2]), WORDS)
    pd.testing.assert_frame_equal(mixed, table)


def test_metrics(table):
    found = metrics.of_predictions(table, WORDS, LOSSES)
    assert (found["recordings"], found["correct"]) == (5, 3)
    assert found["loss"] == pytest.approx(LOSSES.sum() / 5)
    assert found["accuracy"] == 3 / 5
    # Predicted, rightly, and said: bird two, one, two; cat three, two, two; dog none, none, one.
    expected = {
        "bird": {"recordings": 2, "precision": 1 / 2, "recall": 1 / 2, "f1": 1 / 2},
        "cat": {"recordings": 2, "precision": 2 / 3, "recall": 1, "f1": 4 / 5},
        "dog": {"recordings": 1, "precision": 0, "recall": 0, "f1": 0},
    }
    assert list(found["words"]) == WORDS
    for word, figures in expected.items():
        assert found["words"][word] == pytest.approx(figures)
    assert found["macro_f1"] == pytest.approx((1 / 2 + 4 / 5) / 3)
    for name in ("accuracy", "loss", "macro_f1"):
        low, high = found[f"{name}_interval"]
        assert low < found[name] < high
    # Each is in a bin of confidence of its own, but for those of 0.75 and 0.8, which are right.
    distances = [1 - 0.7, 0.6, 1 - 0.8, 1 - 0.75, 0.5]
    assert found["expected_calibration_error"] == pytest.approx(sum(distances) / 5, abs=1e-5)


def test_word_without_test_recordings(table):
    """It has no recall, and the macro F1 is that of the words there are."""
    found = metrics.of_predictions(table, [*WORDS, "emu"], LOSSES)
    assert found["words"]["emu"] == {"recordings": 0, "precision": 0, "recall": 0, "f1": 0}
    assert found["macro_f1"] == pytest.approx((1 / 2 + 4 / 5) / 3)


def test_loss_of_each_recording():
    np.testing.assert_allclose(outcomes_of(SCORES).losses, LOSSES, rtol=1e-4)


def test_interval_of_macro_f1_is_that_of_resampling_recordings():
    generator = np.random.default_rng(4)
    targets = generator.integers(0, 4, 300)
    guesses = np.where(generator.random(300) < 0.7, targets, generator.integers(0, 4, 300))
    samples = [generator.integers(0, 300, 300) for _ in range(1_000)]
    resampled = [f1_score(targets[sample], guesses[sample], average="macro") for sample in samples]
    low, high = metrics.macro_f1_interval(targets, guesses, range(300))
    assert low == pytest.approx(np.quantile(resampled, 0.025), abs=0.006)
    assert high == pytest.approx(np.quantile(resampled, 0.975), abs=0.006)


def test_macro_f1_where_all_is_right_or_wrong():
    words = np.array([0, 1, 2, 2])
    assert metrics.macro_f1_interval(words, words, words) == (1, 1)
    assert metrics.macro_f1_interval(words, words + 1 - 3 * (words == 2), words) == (0, 0)


# Scores.


def scores_by(classifier, recordings, shifts=(0,)):
    """All batches' scores; their labels are to be those of the recordings."""
    found, labels = zip(*inference.scores(classifier, recordings, shifts), strict=True)
    assert torch.equal(torch.cat(labels), recordings.labels)
    return torch.cat(found)


def scores_of(classifier, recordings):
    """Each recording's scores for itself, without dropout."""
    with torch.no_grad():
        network = classifier.network.eval()
        return torch.cat([network(one[None].float()) for one in recordings.spectrograms])


@pytest.mark.parametrize("batch_size", [1, 7, 21, 256])
def test_scores_do_not_depend_on_batches(make_classifier, make_recordings, monkeypatch, batch_size):
    monkeypatch.setattr(inference, "BATCH_SIZE", batch_size)
    classifier, recordings = make_classifier(), make_recordings(21, seed=1)
    classifier.train()
    actual = scores_by(classifier, recordings)
    assert not classifier.network.training
    assert actual.dtype == torch.float32
    torch.testing.assert_close(actual, scores_of(classifier, recordings), rtol=1e-4, atol=1e-5)


def test_scores_are_single_precision_whatever_the_networks(make_classifier, make_recordings):
    classifier, recordings = make_classifier(), make_recordings(6, seed=1)
    exact = scores_by(classifier, recordings)
    classifier.precision = torch.bfloat16
    actual = scores_by(classifier, recordings)
    assert actual.dtype == torch.float32
    # Eight bits of mantissa leave their mark.
    assert (actual != exact).any()
    torch.testing.assert_close(actual, scores_of(classifier, recordings), rtol=0.1, atol=0.1)


def test_scores_averaged_over_shifts(make_classifier, make_recordings):
    classifier, recordings = make_classifier(), make_recordings(7, seed=1)
    means = torch.zeros(7, 3)
    for shift in (-2, 0, 1):
        moved = torch.zeros_like(recordings.spectrograms)
        for frame in range(5):
            if 0 <= frame + shift < 5:
                moved[..., frame + shift] = recordings.spectrograms[..., frame]
        with torch.inference_mode():
            means += classifier.eval()(moved).softmax(dim=1) / 3
    scores = scores_by(classifier, recordings, shifts=(-2, 0, 1))
    torch.testing.assert_close(scores.softmax(dim=1), means)
    torch.testing.assert_close(scores.exp(), means)


def test_shifts_are_spread_evenly():
    transform = STFT(16_000, 512, window_seconds=0.03, stride_seconds=0.01, normalized=True)
    assert inference.shifts_within(0.1, transform) == [-10, -5, 0, 5, 10]
    assert inference.shifts_within(0.01, transform) == [-1, 0, 1]
    assert inference.shifts_within(0, transform) == [0]


def test_scoring_changes_nothing(make_classifier, make_recordings):
    classifier, recordings = make_classifier(), make_recordings(21, seed=1)
    classifier.train()
    before = {name: value.clone() for name, value in classifier.state_dict().items()}
    first = scores_by(classifier, recordings)
    assert torch.equal(scores_by(classifier, recordings), first)
    assert all(torch.equal(value, before[name]) for name, value in classifier.state_dict().items())


# The confusion table.


def test_confusion_has_every_pair(table):
    table = confusion.count(table, WORDS)
    assert list(table.columns) == ["target", "prediction", "count"]
    counts = {(row.target, row.prediction): row.count for row in table.itertuples(index=False)}
    expected = {(target, prediction): 0 for target in WORDS for prediction in WORDS}
    expected |= {
        ("bird", "bird"): 1,
        ("bird", "cat"): 1,
        ("cat", "cat"): 2,
        ("dog", "bird"): 1,
    }
    assert counts == expected
    assert len(table) == 9
    assert table["count"].sum() == len(MANIFEST)


def test_confusion_when_one_word_is_always_predicted():
    table = pd.DataFrame({"target": ["a", "b", "b", "c"], "prediction": 4 * ["b"]})
    square = confusion.count(table, ["a", "b", "c"]).pivot(
        index="target", columns="prediction", values="count"
    )
    assert square.loc[["a", "b", "c"], ["a", "b", "c"]].to_numpy().tolist() == [
        [0, 1, 0],
        [0, 2, 0],
        [0, 1, 0],
    ]


@pytest.mark.parametrize(
    "words",
    [["NA", "001", "nan"], ["1", "01", "1.0"], ["None", "null", "True"], ['a,"b"', "don't", "-"]],
)
def test_words_survive_their_files(tmp_path, words):
    manifest = MANIFEST.assign(word=[words[label] for label in LABELS])
    table = predicted(manifest, words)
    path = tmp_path / "confusion.csv"
    confusion.count(table, words).to_csv(path, index=False)
    read = confusion.read(path)
    assert list(read["target"]) == [word for word in words for _ in words]
    assert list(read["prediction"]) == 3 * words
    assert list(read["count"]) == [1, 1, 0, 0, 2, 0, 1, 0, 0]

    path = tmp_path / "predictions.csv"
    table.to_csv(path, index=False)
    read = predictions.read(path)
    assert list(read["target"]) == list(manifest["word"])
    assert list(read["prediction"]) == [words[label] for label in (0, 1, 1, 1, 0)]
    assert list(read["second"][[0, 1, 3]]) == [words[label] for label in (1, 0, 2)]

    found = metrics.of_predictions(table, words, LOSSES)
    assert [figures["recordings"] for figures in found["words"].values()] == [2, 2, 1]
