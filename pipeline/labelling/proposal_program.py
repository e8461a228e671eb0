"""Program that classifies pictures for the page of `carryover label`.

It reads one JSON list of paths from stdin, and writes one line of JSON per picture to stdout, in
the order of the paths: `label` and `confidence`, or the `reason` why the file cannot be read.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import orjson

from components.image_example_gen.picture_reader import UnusablePictureError, read_picture
from pipeline.labelling.picture_content import read_content
from pipeline.serving.processes.job_program import open_streams
from trainer_module.export.saved_model_classifier import Predictions, SavedModelClassifier

#: Pictures that are classified at a time: few, so that the first proposals come soon.
BATCH_SIZE = 16


class _Classifier(Protocol):
    def predict(self, images: list[bytes]) -> Predictions: ...


def main(model: str) -> None:
    """Classify the pictures of stdin.

    Args:
        model: Folder of the SavedModel.
    """
    jobs, replies = open_streams()
    # The names of files may hold bytes that are not UTF-8, which orjson refuses.
    paths = [Path(path) for path in json.loads(jobs.read())]
    for reply in classify(SavedModelClassifier(Path(model)), paths):
        replies.write(orjson.dumps(reply, option=orjson.OPT_APPEND_NEWLINE))
        replies.flush()


def classify(classifier: _Classifier, paths: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Yield one reply per picture, in the order of the paths.

    Args:
        classifier: Model that classifies the pictures.
        paths: Paths of the files.
    """
    for start in range(0, len(paths), BATCH_SIZE):
        replies: list[dict[str, Any]] = []
        images: list[bytes] = []
        for path in paths[start : start + BATCH_SIZE]:
            try:
                images.append(read_picture(read_content(path)).encoded)
                replies.append({})
            except UnusablePictureError as error:
                replies.append({"reason": str(error)})
        predictions = classifier.predict(images)
        found = iter(zip(predictions.labels, predictions.confidences, strict=True))
        for reply in replies:
            if not reply:
                label, confidence = next(found)
                reply |= {"label": label, "confidence": float(confidence)}
            yield reply


if __name__ == "__main__":
    main(*sys.argv[1:])
