"""The speed of ONNX Runtime on one core."""

import time

import numpy as np

from spokenwords.export import onnx_model

WARM_UP = 20
CALLS = 300
BATCH_SIZE = 64
BATCHES = 10


def measure(model: bytes, waveforms: np.ndarray) -> dict[str, float]:
    """Time the exported model on waveforms [recording, samples], used in turn.

    - One recording per call, as from a microphone: median_ms and percentile_95_ms of `calls`
    - `batch_size` recordings per call: recordings_per_second of the median call
    """
    running = onnx_model.session(model, threads=1)

    def seconds(batch: np.ndarray) -> float:
        start = time.perf_counter()
        onnx_model.probabilities(running, batch)
        return time.perf_counter() - start

    singles = [waveforms[number % len(waveforms)][None] for number in range(WARM_UP + CALLS)]
    single = np.array([seconds(batch) for batch in singles])[WARM_UP:]
    together = np.resize(waveforms, (BATCH_SIZE, waveforms.shape[1]))
    # The first call allocates memory.
    batched = np.array([seconds(together) for _ in range(1 + BATCHES)])[1:]
    return {
        "calls": CALLS,
        "median_ms": float(1000 * np.median(single)),
        "percentile_95_ms": float(1000 * np.quantile(single, 0.95)),
        "batch_size": BATCH_SIZE,
        "recordings_per_second": float(BATCH_SIZE / np.median(batched)),
    }
