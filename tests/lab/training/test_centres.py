import numpy as np
import pytest

torch = pytest.importorskip("torch")

from geosal.lab.training.centres import MULTIPLE, STRIDE, CentreNet, Exported, loss_of, targets_of  # noqa: E402

BOX = torch.tensor([[20.0, 24.0, 44.0, 40.0]])
ONE, NONE = torch.tensor([0]), torch.zeros(0, 4)


def _exact(targets):
    """Logits and sides that say just what is wanted."""
    return torch.logit((targets.bells > 0.999).float().clamp(1e-6, 1 - 1e-6)), targets.sides


def test_a_bell_stands_on_the_middle_of_a_box():
    made = targets_of([BOX], [ONE], [NONE], 64, 1)
    assert made.bells[0, 0, 8, 8] == 1
    assert (made.bells == 1).sum() == 1
    np.testing.assert_allclose(made.sides[0, :, 8, 8], BOX[0] / STRIDE)


def test_nothing_is_learned_where_it_is_not_known_what_lies_there():
    made = targets_of([NONE], [torch.zeros(0, dtype=torch.int64)], [BOX], 64, 1)
    assert made.counted[0, 8, 8] == 0
    assert made.counted[0, 0, 0] == 1
    loud = torch.full((1, 1, 16, 16), -20.0)
    loud[0, 0, 8, 8] = 20
    assert loss_of((loud, made.sides), made) < 1e-3


def test_the_loss_is_least_for_what_is_wanted():
    made = targets_of([BOX], [ONE], [NONE], 64, 1)
    logits, sides = _exact(made)
    least = loss_of((logits, sides), made)
    assert least < 0.01
    assert loss_of((logits, sides + 1), made) > least
    assert loss_of((torch.zeros_like(logits), sides), made) > least


def test_the_export_has_a_raw_head_of_yolo():
    torch.manual_seed(0)
    with torch.inference_mode():
        found = Exported(CentreNet(2, 4).eval())(torch.randn(1, 3, 3 * MULTIPLE, 2 * MULTIPLE))
    assert found.shape == (1, 6, (3 * MULTIPLE // STRIDE) * (2 * MULTIPLE // STRIDE))
    scores = found[0, 4:]
    assert 0 < (scores > 0).float().mean() < 0.5  # peaks only
    assert (found[0, 2:4] > 0).all()
