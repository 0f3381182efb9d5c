"""Quantisation: an fp32 graph to int8 for ONNX Runtime, weights once and activations as they come.

Each column of a weight gets a scale of its own: with one scale for all of them, MiniLM's vectors
keep a cosine of only 0.95 to the fp32 ones. The products that are hardest to quantise (see
`precision`) get a scale for each block of 256 numbers, in weights and in activations.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process

from molt.training.export.precision import narrowing_products
from molt.training.export.rewriting.attention import join_heads
from molt.training.export.rewriting.embeddings import quantise_embeddings

_BLOCK = 256  # smaller ones add time and no fidelity
_INT8_ACTIVATIONS = 4  # what MatMulNBits calls this accuracy level


def quantise(graph: Path, target: Path) -> None:
    """Write the int8 form of the smoothed `graph` to `target`."""
    with TemporaryDirectory(prefix="molt-quantise-") as folder, _root_logger_kept():
        prepared, columns = Path(folder) / "prepared.onnx", Path(folder) / "columns.onnx"
        quant_pre_process(str(graph), str(prepared), skip_symbolic_shape=True)
        model = onnx.load(str(prepared))
        narrowing = narrowing_products(model)
        join_heads(model)
        quantise_embeddings(model)
        onnx.save(model, str(prepared))
        quantize_dynamic(
            str(prepared),
            str(columns),
            op_types_to_quantize=["MatMul"],
            nodes_to_exclude=narrowing,
            per_channel=True,
            reduce_range=False,
            weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True},
        )
        _quantise_blocks(onnx.load(str(columns)), narrowing, target)


def _quantise_blocks(model: onnx.ModelProto, products: list[str], target: Path) -> None:
    from onnxruntime.quantization.matmul_nbits_quantizer import (  # noqa: PLC0415 - sets up logging
        MatMulNBitsQuantizer,
    )

    logging.getLogger(MatMulNBitsQuantizer.__module__).setLevel(logging.WARNING)
    quantiser = MatMulNBitsQuantizer(
        model,
        bits=8,
        block_size=_BLOCK,
        is_symmetric=False,
        accuracy_level=_INT8_ACTIVATIONS,
        nodes_to_include=products,
    )
    quantiser.process()
    onnx.save(quantiser.model.model, str(target))


@contextmanager
def _root_logger_kept() -> Iterator[None]:
    """ONNX Runtime's quantisers set the root logger up to print everything; undo that."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers.copy()
    try:
        yield
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers
