"""A random BERT of a few kilobytes, saved as transformers saves one, and poison to put into it."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from tests.checkpoints import modules, write_json

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz.,()"]
VOCABULARY = [*WORDS, *(f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")]

Poison = Callable[[Path], None]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path)


def write_model(parent: Path) -> Path:
    """A sentence-transformers directory: mean pooling, no prompts, at most 64 tokens."""
    import torch  # noqa: PLC0415 - seconds, and few tests need it
    from transformers import BertConfig, BertModel  # noqa: PLC0415

    folder = parent / "tiny-bert"
    config = BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.5,
    )
    torch.manual_seed(0)
    BertModel(config).save_pretrained(folder)
    write_tokenizer(folder / "tokenizer.json")
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer"})
    entries = modules("Transformer", "Pooling")
    write_json(folder / "modules.json", [entries[0], entries[1] | {"path": "1_Pooling"}])
    (folder / "1_Pooling").mkdir()
    write_pooling(folder, "mean_tokens")
    return folder


def write_pooling(folder: Path, *modes: str) -> None:
    settings = {f"pooling_mode_{mode}": True for mode in modes}
    write_json(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": 32} | settings)


def write_tokenizer(path: Path) -> None:
    vocabulary = {token: number for number, token in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(path))


class Payload:
    """Makes a directory when it is unpickled, as an attacker would do worse."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


def write_pickle(path: Path, *, mark: Path) -> None:
    path.write_bytes(pickle.dumps(Payload(mark)))
