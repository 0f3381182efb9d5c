"""A finished checkpoint as somebody else made it, outside of any home."""

import pytest

from molt.encoder import Checkpoint, Prompts
from tests.checkpoints import build_checkpoint


@pytest.fixture
def made(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return build_checkpoint(tmp_path_factory.mktemp("elsewhere"), prompts=Prompts(query="q: "))
