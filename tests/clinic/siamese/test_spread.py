"""The largest distance grows with the batch; on the unit sphere it has an end."""

import numpy as np

from nandoctor.clinic.siamese.spread import spread_table


def test_larger_batches_have_larger_extremes():
    rng = np.random.default_rng(0)
    rows = spread_table(10.0 * rng.standard_normal((300, 8)).astype(np.float32), np.arange(300) // 3, seed=0).split(
        "\n"
    )
    cells = np.array([[float(cell) for cell in row.split()] for row in rows[2:]])
    assert cells[:, 0].tolist() == [4, 8, 16, 32, 64, 128, 256]
    # two independent normal points of 8 dimensions are 2 * 8 * 100 apart, squared
    assert np.allclose(cells[:, 1], 1600, rtol=0.1)
    assert (np.diff(cells[:, 2]) > 0).all()
    assert (np.diff(cells[:, 5]) > 0).all()
    assert cells[:, 5].max() <= 4.0
