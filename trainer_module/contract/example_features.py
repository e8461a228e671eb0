"""Names of the features of a tf.Example, and their meaning.

An example of ImageExampleGen holds one picture:

* `image`: encoded bytes that TensorFlow decodes (JPEG or PNG, 8 bit).
* `image_id`: path relative to the data root; stable, and unique in a run.
* `domain`, `label`: strings.
* `width`, `height`, `channels`, `num_bytes`: integers, measured on the original file.
* `brightness`, `contrast`, `sharpness`, `colourfulness`: floats, see
  `components.image_example_gen.picture_statistics`.

After Transform an example keeps `image` (a serialized uint8 tensor of the training size),
`image_id`, `domain` and `label`. Everything here is importable without TensorFlow.
"""

IMAGE = "image"
IMAGE_ID = "image_id"
DOMAIN = "domain"
LABEL = "label"

#: Features that Transform copies for the Trainer, besides the picture.
DESCRIPTORS = (IMAGE_ID, DOMAIN, LABEL)

#: Numbers measured once per picture at ingestion, for statistics and validation.
SIZES = ("width", "height", "channels", "num_bytes")
MEASURES = ("brightness", "contrast", "sharpness", "colourfulness")

#: Features that StatisticsGen reads; the picture is not among them.
STATISTICS = (DOMAIN, LABEL, *SIZES, *MEASURES)

SPLITS = ("train", "eval", "test")

#: Name of the class ids of the model in its signature and in the metrics.
LABEL_ID = "label_id"
PROBABILITIES = "probabilities"

#: Name of the signature of an exported model that TensorFlow Serving calls unless a request names
#: another one.
SERVING_DEFAULT = "serving_default"

#: Outputs of an exported model about a prediction, besides the label.
CONFIDENCE, NOVELTY, ACCEPTED = "confidence", "novelty", "accepted"
