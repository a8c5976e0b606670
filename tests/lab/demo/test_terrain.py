"""Texture of the made-up land."""

import numpy as np
import pytest

from geosal.lab.demo.terrain import fractal


def test_texture_has_the_spectrum_asked_for() -> None:
    field = fractal(256, 1.5, np.random.default_rng(0))
    power = np.abs(np.fft.rfft2(field)) ** 2
    frequency = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.rfftfreq(256)[None, :])
    inside = (frequency > 0.02) & (frequency < 0.4)
    slope = np.polyfit(np.log(frequency[inside]), np.log(power[inside]), 1)[0]
    assert slope == pytest.approx(-3.0, abs=0.1)  # power is amplitude squared
    assert field.std() == pytest.approx(1, abs=1e-5)
