"""Quantisation: an fp32 graph to int8 for ONNX Runtime, weights once and activations as they come.

Each column of a weight gets a scale of its own: with one scale for all of them, MiniLM's vectors
keep a cosine of only 0.95 to the fp32 ones. A few products stay in fp32 (see `precision`).
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process

from molt.training.export.embeddings import quantise_embeddings
from molt.training.export.precision import full_precision_products


def quantise(graph: Path, target: Path) -> None:
    """Write the int8 form of the smoothed `graph` to `target`."""
    with TemporaryDirectory(prefix="molt-quantise-") as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(graph), str(prepared), skip_symbolic_shape=True)
        model = onnx.load(str(prepared))
        quantise_embeddings(model)
        onnx.save(model, str(prepared))
        quantize_dynamic(
            str(prepared),
            str(target),
            op_types_to_quantize=["MatMul"],
            nodes_to_exclude=full_precision_products(model),
            per_channel=True,
            reduce_range=False,
            weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True},
        )
