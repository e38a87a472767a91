"""Listening: words found in a stream, the cost on one core, and the delay of a word.

The stream has all test recordings of a split in random order, with pauses of 0.1 to 1.5 s, in noise
of the data set that no training used (20 dB quieter). The table has, for two shares of correct
answers accepted and several lengths of comparison with later windows (`detector.REACH`, in
windows): words found, found twice, predicted as another word, and false alarms in recordings of
other words. Then the decoder hears the beginning of the stream in pieces of 0.1 s, on one thread. A
word's end is the end of the last 20 ms of its recording that are at most 25 dB quieter than the
loudest.

    python benchmarks/listening.py --folder data/speech_commands_11words \
        --split results/splits/speaker --seconds 600 results/runs/best/model.pt
"""

import argparse
import time
from collections import Counter
from pathlib import Path

import contest
import numpy as np
import torch

from spokenwords.evaluation import false_alarms
from spokenwords.model import thresholds
from spokenwords.model.classifier import Classifier
from spokenwords.recognition import detector, sliding_window
from spokenwords.recognition.stream import StreamDecoder
from spokenwords.recordings import audio, manifest

REACHES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
PIECE = 0.1  # s


def spoken_end(samples: np.ndarray, rate: int) -> int:
    """The end of the word in a recording, in samples."""
    frame = rate // 50
    power = np.square(samples[: len(samples) // frame * frame].reshape(-1, frame)).mean(axis=1)
    return frame * (1 + int(np.flatnonzero(power >= 10**-2.5 * power.max())[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="a run's model.pt")
    parser.add_argument("--folder", required=True, type=Path, help="the data set")
    parser.add_argument("--split", required=True, type=Path, help="the split's folder of results")
    parser.add_argument("--seconds", type=int, default=600, help="of the stream heard in pieces")
    asked = parser.parse_args()
    print(contest.machine())
    torch.set_num_threads(1)
    classifier = Classifier.load(asked.model)
    rate = classifier.transform.sample_rate
    words = set(classifier.words) - set(classifier.non_words)

    generator = np.random.default_rng(1)
    test = manifest.read(asked.split / "test.csv").sample(frac=1, random_state=1)
    parts, said, length = [], [], 0  # said: middle and end of the recording's word, and the word
    for row in test.itertuples():
        parts.append(np.zeros(int(rate * generator.uniform(0.1, 1.5)), np.float32))
        parts.append(audio.mono(asked.folder / row.file, rate))
        start = length + len(parts[-2])
        length = start + len(parts[-1])
        said.append(((start + length) / 2, start + spoken_end(parts[-1], rate), row.word))
    files = sorted((asked.folder / "_background_noise_").glob("*.wav"))
    noise = np.concatenate(false_alarms.testing_parts(files, rate))
    stream = np.concatenate(parts) + np.float32(0.1) * np.resize(noise, length)
    middles = np.array([middle for middle, _, _ in said]) / rate

    def nearest(event: detector.Event) -> int:
        return int(np.abs(middles - (event.start + event.end) / 2).argmin())

    [(starts, probabilities)] = sliding_window.scan(classifier, [stream])
    spoken = sum(word in words for _, _, word in said)
    print(f"{length / rate:,.0f} s, {spoken} words, {len(said) - spoken} other recordings")
    print("accepted  reach  found  twice  other word  false alarms")
    usual = detector.REACH
    for share in (0.95, 1.0):
        threshold = thresholds.threshold(classifier.confidences, share)
        for detector.REACH in REACHES:
            counts, found = Counter[str](), set()
            for event in detector.events(classifier, starts, probabilities, length, threshold):
                word, place = said[nearest(event)][2], nearest(event)
                if word == event.word:
                    counts["twice" if place in found else "found"] += 1
                    found.add(place)
                else:
                    counts["other" if word in words else "false"] += 1
            columns = (counts[kind] for kind in ("found", "twice", "other", "false"))
            row = "{:5}  {:5}  {:10}  {:12}".format(*columns)
            print(f"{share:8.0%}  {detector.REACH:5}  {row}")

    detector.REACH = usual
    threshold = thresholds.threshold(classifier.confidences, 0.95)
    decoder, size = StreamDecoder(classifier, threshold), round(PIECE * rate)
    seconds, delays = [], []
    for first in range(0, asked.seconds * rate, size):
        before = time.process_time()
        events = decoder.feed(stream[first : first + size])
        seconds.append(time.process_time() - before)
        for event in events:
            _, end, word = said[nearest(event)]
            if word == event.word:
                delays.append((first + size - end) / rate + seconds[-1])
    print(f"one core: {sum(seconds) / asked.seconds:.1%} of real time")
    print(f"a piece takes {1000 * np.median(seconds):.1f} ms (median)")
    low, middle, high = np.quantile(delays, [0.05, 0.5, 0.95])
    print(
        f"from the end of a word to its event: {middle:.2f} s (5 to 95 %: {low:.2f} to {high:.2f})"
    )


if __name__ == "__main__":
    main()
