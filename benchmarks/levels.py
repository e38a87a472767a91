"""Accuracy on the test set by level: turned down, turned up, and with a telephone's band.

Recordings are scaled, rounded to 16 bits again, and classified by each model. The benchmark prints
the share of correct answers and, in brackets, the share that also reaches the model's threshold;
for segments of the data set's noise, the share that reaches it.

    python benchmarks/levels.py --folder data/speech_commands_11words \
        --split results/splits/speaker results/runs/best/model.pt results/runs/wide/model.pt
"""

import argparse
from pathlib import Path

import contest
import numpy as np
import torch
from scipy.signal import resample_poly

from spokenwords.model import thresholds
from spokenwords.model.classifier import Classifier
from spokenwords.names import NOISE_PARTS
from spokenwords.recordings import audio, data_folder, manifest

TELEPHONE = "8 kHz telephone"
GAINS = (-40, -30, -24, -18, -12, -6, 0, 6, 12)  # dB
BATCH = 256


def rounded(waveforms: np.ndarray) -> np.ndarray:
    """Waveforms as 16-bit files hold them: clipped at full scale, rounded."""
    return (np.clip(np.rint(32768 * waveforms), -32768, 32767) / 32768).astype(np.float32)


def telephone(waveforms: np.ndarray) -> np.ndarray:
    """Waveforms [recording, samples] without what an 8 kHz line leaves out, if they have 16 kHz."""
    return resample_poly(resample_poly(waveforms, 1, 2, axis=1), 2, 1, axis=1)


@torch.inference_mode()
def probabilities(classifier: Classifier, waveforms: np.ndarray) -> np.ndarray:
    """[recording, samples] to [recording, class]."""
    transform = classifier.transform.complex_spectrogram
    batches = np.array_split(waveforms, -(-len(waveforms) // BATCH))
    scores = [classifier(torch.from_numpy(transform(batch))) for batch in batches]
    return torch.cat(scores).softmax(dim=1).numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", type=Path, help="each run's model.pt")
    parser.add_argument("--folder", required=True, type=Path, help="the data set")
    parser.add_argument("--split", required=True, type=Path, help="the split's folder of results")
    asked = parser.parse_args()
    print(contest.machine())
    test = manifest.read(asked.split / "test.csv")
    classifiers = {path.parent.name: Classifier.load(path) for path in asked.models}
    first = next(iter(classifiers.values()))
    rate, length = first.transform.sample_rate, first.samples
    words = np.stack(
        [audio.load(asked.folder / file, rate, length, "loudest") for file in test["file"]]
    )
    pieces = []
    for file in sorted(data_folder.noise(asked.folder)):
        waveform = audio.mono(asked.folder / data_folder.NOISE / file, rate)
        untrained = waveform[round(NOISE_PARTS["train"][1] * len(waveform)) :]
        starts = range(0, len(untrained) - length, length // 2)
        pieces += [untrained[start : start + length] for start in starts]
    versions = {f"{gain:+d} dB": 10 ** (gain / 20) for gain in GAINS}
    rows = {name: {"level": name} for name in (*versions, TELEPHONE)}
    for name, classifier in classifiers.items():
        number = {word: i for i, word in enumerate(classifier.words)}
        labels = test["word"].map(number).to_numpy()
        threshold = thresholds.threshold(classifier.confidences, 0.95)
        for level, row in rows.items():
            gain = versions.get(level, 1)
            heard = telephone(words) if level == TELEPHONE else gain * words
            found = probabilities(classifier, rounded(heard))
            right = found.argmax(axis=1) == labels
            accepted = right & (found.max(axis=1) >= threshold)
            row[name] = f"{right.mean():.3f} ({accepted.mean():.3f})"
            if level in versions:
                found = probabilities(classifier, rounded(gain * np.stack(pieces)))
                row[f"{name}: noise"] = f"{(found.max(axis=1) >= threshold).mean():.3f}"
    rows[TELEPHONE] = dict.fromkeys(rows["+0 dB"], "") | rows[TELEPHONE]
    print(contest.markdown(rows.values()))
    print(f"\n{len(test)} recordings, {len(pieces)} pieces of noise")


if __name__ == "__main__":
    main()
