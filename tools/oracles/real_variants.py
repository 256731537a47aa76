"""Models as onnxruntime's own tools rewrite them: fused into com.microsoft operators, and quantized.

Each function takes a model, as a file or as what writes one, and returns what writes the rewritten one.
"""

import contextlib
import io
import logging
import pathlib
import tempfile

import onnxruntime
from onnxruntime import quantization
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions

# Samples that a static quantization finds its ranges on.
SAMPLES = 8


@contextlib.contextmanager
def written(source):
    """The path of a model."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "model.onnx")
        if callable(source):
            source(path)
        yield path if callable(source) else source


@contextlib.contextmanager
def quietly():
    """Without what the tools print about every model."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(level)


def fused(source, kind, heads, width, approximates=False):
    """Attention, SkipLayerNormalization, EmbedLayerNormalization and BiasGelu or FastGelu where they fit."""
    def write(out):
        options = FusionOptions(kind)
        options.enable_gelu_approximation = approximates
        with written(source) as path, quietly():
            model = optimizer.optimize_model(
                str(path), kind, heads, width, optimization_options=options, opt_level=0)
            model.save_model_to_file(str(out))
    return write


def extended(source):
    """What a session of onnxruntime makes of a model before it runs it, short of blocked layouts."""
    def write(out):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.optimized_model_filepath = str(out)
        options.log_severity_level = 3
        with written(source) as path:
            onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return write


def dynamic(source):
    """Weights of eight bits; activations quantized as they come."""
    def write(out):
        with written(source) as path, quietly():
            quantization.quantize_dynamic(path, out, weight_type=quantization.QuantType.QUInt8)
    return write


def static(source, inputs, form):
    """Weights and activations of eight bits, as QDQ pairs or as operators of their own."""
    class Reader(quantization.CalibrationDataReader):
        def __init__(self):
            feeds = inputs(SAMPLES)
            self.rows = iter({name: value[index : index + 1] for name, value in feeds.items()}
                             for index in range(SAMPLES))

        def get_next(self):
            return next(self.rows, None)

    def write(out):
        with written(source) as path, quietly(), tempfile.TemporaryDirectory() as folder:
            prepared = pathlib.Path(folder, "prepared.onnx")
            quantization.quant_pre_process(path, prepared)
            quantization.quantize_static(
                prepared, out, Reader(), quant_format=quantization.QuantFormat[form], per_channel=True,
                activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8,
                reduce_range=True)
    return write
