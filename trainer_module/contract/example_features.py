"""Names of the features of an example, and the contract behind them.

An example, as ImageExampleGen writes it, holds one picture:

* `image`: encoded bytes that TensorFlow decodes (JPEG or PNG, 8 bit).
* `image_id`: path relative to the data folder; stable, and unique in a run.
* `domain`, `label`: strings.
* `width`, `height`, `channels`, `num_bytes`: integers, of the original file.
* `brightness`, `contrast`, `sharpness`, `colourfulness`: floats, see
  `components.image_example_gen.measures`.

After Transform an example keeps `image` (a serialized uint8 tensor of the training size),
`image_id`, `domain` and `label`. Everything here is importable without TensorFlow.
"""

IMAGE = "image"
IMAGE_ID = "image_id"
DOMAIN = "domain"
LABEL = "label"

#: What Transform passes on to the Trainer beside the picture.
DESCRIPTORS = (IMAGE_ID, DOMAIN, LABEL)

#: Numbers measured once per picture at ingestion, for statistics and validation.
SIZES = ("width", "height", "channels", "num_bytes")
MEASURES = ("brightness", "contrast", "sharpness", "colourfulness")

#: Everything StatisticsGen looks at: never the pixels.
STATISTICS = (DOMAIN, LABEL, *SIZES, *MEASURES)

SPLITS = ("train", "eval", "test")

#: Name under which the model's own label ids reach the metrics.
LABEL_ID = "label_id"
PROBABILITIES = "probabilities"
