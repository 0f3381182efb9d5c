"""What a run learns from, made of a dataset."""

from molt.encoder import Checkpoint
from molt.training.data.card import Preparation, describe_data
from molt.training.data.cleaning.findings import Findings
from molt.training.data.config import DataConfig
from molt.training.data.counts import count_dataset
from molt.training.data.dataset import Dataset
from molt.training.data.leakage import check_leakage
from molt.training.data.raw import RawData
from molt.training.material import Material


def material(base: Checkpoint, dataset: Dataset) -> Material:
    steps = (count_dataset(dataset),) * 3
    preparation = Preparation(steps, Findings(), check_leakage(dataset, threshold=0.9))
    card = describe_data(dataset, raw=RawData(), config=DataConfig(), preparation=preparation)
    return Material("letters", dataset, card, base)
