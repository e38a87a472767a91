"""Plots of one recording: over time, over frequency, and over both."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from spokenwords.report.plots.style import BLUE, grouped_numbers, heading, one_panel, style
from spokenwords.spectrograms.stft import STFT

# Samples of the magnitude spectrogram's window, with steps of half a window, as published.
WINDOW = 512


def figures(samples: np.ndarray, transform: STFT, title: str) -> dict[str, Figure]:
    """All plots of the recording `samples` [N], by name; `transform` makes the complex one."""
    rate, length = transform.sample_rate, len(samples)
    coarse = STFT(rate, WINDOW, WINDOW / rate, WINDOW / 2 / rate, normalized=False)
    magnitudes = np.hypot(*coarse.complex_spectrogram(samples))
    values = transform.complex_spectrogram(samples)
    return {
        "waveform": waveform(samples, rate, title),
        "fourier_transform": fourier_magnitude(samples, rate, title),
        "spectrogram": spectrogram(magnitudes, coarse.frequency(), coarse.time(length), title),
        "complex_spectrogram": complex_spectrogram(
            values, transform.frequency(), transform.time(length), title
        ),
    }


@style()
def waveform(samples: np.ndarray, sample_rate: int, title: str) -> Figure:
    """The recording `samples` [N] (full scale 1) at `sample_rate` (Hz) over time."""
    figure, axes = one_panel(title, (9, 3))
    axes.plot(np.arange(len(samples)) / sample_rate, samples, color=BLUE, linewidth=0.6)
    axes.set(xlabel="time (s)", ylabel="amplitude (full scale = 1)")
    axes.margins(x=0)
    return figure


@style()
def fourier_magnitude(samples: np.ndarray, sample_rate: int, title: str) -> Figure:
    """The magnitude of the DFT of all `samples` [N], from 0 Hz to half of `sample_rate` (Hz)."""
    figure, axes = one_panel(title, (9, 3))
    magnitude = np.abs(np.fft.rfft(samples))
    frequency = np.fft.rfftfreq(len(samples), 1 / sample_rate)
    axes.plot(frequency, magnitude, color=BLUE, linewidth=0.6)
    axes.set(xlabel="frequency (Hz)", ylabel="magnitude (full scale = 1)")
    axes.set_xlim(0, sample_rate / 2)
    axes.set_ylim(bottom=0)
    return figure


@style()
def spectrogram(
    magnitudes: np.ndarray, frequency: np.ndarray, time: np.ndarray, title: str
) -> Figure:
    """Square roots of `magnitudes` [F, T] over `time` [T] (s) and `frequency` [F] (Hz, log scale).

    0 Hz is left out of the log scale.
    """
    figure, axes = one_panel(title, (9, 5))
    values = np.sqrt(np.asarray(magnitudes, dtype=np.float32))
    audible = frequency > 0
    mesh = _time_frequency(axes, values[audible], frequency[audible], time, "viridis", vmin=0)
    axes.set_yscale("log")
    axes.set_ylabel("frequency (Hz, log scale)")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(grouped_numbers)
    axes.yaxis.set_minor_formatter(NullFormatter())
    figure.colorbar(mesh, ax=axes, label="√magnitude").outline.set_visible(False)
    return figure


@style()
def complex_spectrogram(
    values: np.ndarray, frequency: np.ndarray, time: np.ndarray, title: str
) -> Figure:
    """Real and imaginary part of `values` [2, F, T] over `time` [T] (s) and `frequency` [F] (Hz).

    Both have one colour scale, symmetric about 0; the 0.5 % of values farthest from 0 are clipped.
    """
    figure = Figure(figsize=(12, 5), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    heading(panels[0], title)
    values = np.asarray(values, dtype=np.float32)
    limit = float(np.quantile(np.abs(values), 0.995)) or 1.0
    for panel, part, name in zip(panels, values, ("real part", "imaginary part"), strict=True):
        mesh = _time_frequency(panel, part, frequency, time, "PuOr", vmin=-limit, vmax=limit)
        panel.set_title(name)
    panels[1].set_ylabel("")
    bar = figure.colorbar(mesh, ax=panels, extend="both", label="STFT value (full scale = 1)")
    bar.outline.set_visible(False)
    return figure


def _time_frequency(
    axes: Axes,
    values: np.ndarray,
    frequency: np.ndarray,
    time: np.ndarray,
    cmap: str,
    **limits: Any,
) -> QuadMesh:
    # Rasterised: as separate shapes there would be 25,000 cells.
    mesh = axes.pcolormesh(time, frequency, values, cmap=cmap, rasterized=True, **limits)
    axes.set(xlabel="time (s)", ylabel="frequency (Hz)")
    axes.yaxis.set_major_formatter(grouped_numbers)
    axes.grid(False)
    return mesh
