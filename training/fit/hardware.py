"""The hardware to train on: which device, and whether it computes in bfloat16."""

from dataclasses import dataclass
from typing import Literal

import torch

from molt.encoder.host import cores
from molt.training.errors import FitError

# More would overflow a CPU's caches; a GPU wants thousands of tokens at once.
_TOKENS = {"cpu": 4096, "cuda": 65536}


@dataclass(frozen=True)
class Hardware:
    """Where the encoder learns. `tokens` is how many are best computed in one pass."""

    device: Literal["cpu", "cuda"]
    bf16: bool
    tokens: int


def choose_hardware(
    *, device: Literal["auto", "cpu", "cuda"], precision: Literal["auto", "bf16", "fp32"]
) -> Hardware:
    """CUDA where there is one, and bf16 where the device has it, unless told otherwise.

    Raises `FitError` where CUDA is asked for and missing.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise FitError("run.device is cuda, but torch finds none; set it to auto or cpu")
    chosen: Literal["cpu", "cuda"] = (
        "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    )
    bf16 = precision == "bf16" or (precision == "auto" and has_bf16(chosen))
    return Hardware(device=chosen, bf16=bf16, tokens=_TOKENS[chosen])


def use_all_cores() -> None:
    """Let torch compute on every core in this thread.

    FAISS limits the thread that calls it to one, torch included, and so an exact search would slow
    down all that is trained after it, and change how sums are rounded.
    """
    torch.set_num_threads(cores())


def has_bf16(device: Literal["cpu", "cuda"]) -> bool:
    """Whether matrix products in bf16 are done by the hardware, not imitated."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))
