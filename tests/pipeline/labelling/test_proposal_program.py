import io
import json
import os

import numpy as np
from tiny_pictures import solid, write_files

from pipeline.labelling import proposal_program
from pipeline.labelling.proposal_program import BATCH_SIZE, classify
from trainer_module.export.saved_model_classifier import Predictions

#: TensorFlow decodes no BMP file here, so it is not imported.
BMP = solid("red", form="BMP")


class ConstantModel:
    """A model that notes the sizes of its batches; every picture is a `cat`."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def predict(self, images: list[bytes]) -> Predictions:
        """See `SavedModelClassifier`."""
        self.batches.append(len(images))
        confidences = np.full(len(images), 0.5, np.float32)
        return Predictions(["cat"] * len(images), confidences, confidences[:, None])


def test_there_is_one_reply_per_picture_in_their_order(tmp_path):
    write_files(tmp_path, {"1.bmp": BMP, "2.bmp": b"bad", "3.bmp": BMP})
    paths = [tmp_path / name for name in ("1.bmp", "2.bmp", "3.bmp", "4.bmp")]
    cat = {"label": "cat", "confidence": 0.5}
    assert list(classify(ConstantModel(), paths)) == [
        cat,
        {"reason": "not a picture in a known format"},
        cat,
        {"reason": "cannot be opened: No such file or directory"},
    ]


def test_a_few_pictures_are_classified_at_a_time(tmp_path):
    write_files(tmp_path, {"1.bmp": BMP})
    model = ConstantModel()
    assert len(list(classify(model, [tmp_path / "1.bmp"] * (BATCH_SIZE + 1)))) == BATCH_SIZE + 1
    assert model.batches == [BATCH_SIZE, 1]


def test_a_name_that_is_not_utf_8_is_read(tmp_path, monkeypatch):
    path = str(tmp_path / os.fsdecode(b"\xff.bmp"))
    write_files(tmp_path, {path: BMP})
    jobs, replies = io.BytesIO(json.dumps([path]).encode()), io.BytesIO()
    monkeypatch.setattr(proposal_program, "open_streams", lambda: (jobs, replies))
    monkeypatch.setattr(proposal_program, "SavedModelClassifier", lambda model: ConstantModel())
    proposal_program.main("model")
    assert json.loads(replies.getvalue()) == {"label": "cat", "confidence": 0.5}
