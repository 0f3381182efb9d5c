"""Quantisation for OpenVINO: int8 weights and activations, with ranges learnt from real texts."""

import logging
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import onnx

from molt.training.export.feeds import Feed
from molt.training.export.precision import narrowing_products


def openvino_available() -> bool:
    """Whether what makes and checks an OpenVINO graph is installed."""
    return find_spec("openvino") is not None and find_spec("nncf") is not None


def openvino_has_bf16() -> bool:
    """Whether this host computes in bfloat16, which costs no measurable fidelity."""
    import openvino  # noqa: PLC0415 - optional

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def quantise_for_openvino(graph: Path, target: Path, *, feeds: Sequence[Feed]) -> None:
    """Write the int8 form of the smoothed `graph` to `target` (`.xml`, with a `.bin` beside it).

    `feeds` are texts such as will be encoded; a few dozen are enough.
    """
    import nncf  # type: ignore[import-untyped]  # noqa: PLC0415 - optional
    import openvino  # noqa: PLC0415 - optional
    from nncf.quantization.range_estimator import (  # type: ignore[import-untyped]  # noqa: PLC0415
        RangeEstimatorParametersSet,
    )

    nncf.set_log_level(logging.ERROR)
    quantised = nncf.quantize(
        openvino.Core().read_model(graph),
        nncf.Dataset(feeds, dict),
        subset_size=len(feeds),
        preset=nncf.QuantizationPreset.MIXED,
        model_type=nncf.ModelType.TRANSFORMER,
        ignored_scope=nncf.IgnoredScope(names=narrowing_products(onnx.load(str(graph)))),
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX,
            smooth_quant_alphas=nncf.AdvancedSmoothQuantParameters(matmul=-1),  # done already
        ),
    )
    openvino.save_model(quantised, target, compress_to_fp16=False)
