"""The smallest case there is: classes of three numbers by which is largest, 16 samples and 32 others."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from case import Case


def model(path, weight=1.0, operator="Mul", batch="batch"):
    """Applies an operator to all numbers and one weight."""
    node = helper.make_node(operator, ["x", "weight"], ["y"])
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, 3]) for name in "xy"]
    weights = [numpy_helper.from_array(np.array([weight], "f4"), "weight")]
    graph = helper.make_graph([node], "classes", values[:1], values[1:], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def case(folder, weight=1.0):
    paths = [folder / "calibration.npz", folder / "test.npz"]
    samples = np.random.default_rng(0).standard_normal((48, 3), "f4")
    for path, chosen in zip(paths, (samples[:16], samples[16:])):
        np.savez(path, x=chosen, labels=chosen.argmax(1))
    return Case("classes", model(folder / "model.onnx", weight), *paths, labels="labels", metric="accuracy",
                options=("--samples", "16"))
