"""Preparing: raw data becomes a dataset, and a card that says how."""

from collections.abc import Collection

from molt.index.catalog.judging.learnt import is_learnt
from molt.index.catalog.judging.split_name import SplitName
from molt.training.data.card import DataCard, Preparation, describe_data
from molt.training.data.cleaning.clean import clean_raw
from molt.training.data.cleaning.findings import Findings
from molt.training.data.cleaning.judged_pairs import judge_by_pairs
from molt.training.data.config import DataConfig
from molt.training.data.counts import count_clean, count_dataset, count_raw
from molt.training.data.dataset import Dataset
from molt.training.data.digest import digest_dataset
from molt.training.data.leakage import check_leakage
from molt.training.data.raw import RawData, check_rejected
from molt.training.data.splits import split_queries
from molt.training.data.tasks import make_tasks


def prepare(
    raw: RawData, *, config: DataConfig, wanted: Collection[SplitName] = tuple(SplitName)
) -> tuple[Dataset, DataCard]:
    """Clean, split and weight everything that sources say; equal content gives an equal digest.

    Raises `DataError` where too many rows are bad, and where one of the splits that are `wanted`
    would be empty: who trains wants all of them, who measures wants one.
    """
    check_rejected(raw, config)
    findings = Findings()
    clean = clean_raw(raw, config=config, findings=findings)
    people = any(not is_learnt(one.query_id) for one in raw.judgments)
    judged = clean if people else judge_by_pairs(clean, findings=findings)
    splits = split_queries(judged, config=config, findings=findings, wanted=wanted)
    tasks = make_tasks(judged, splits, config=config, findings=findings)
    parts = (splits.train, splits.dev, splits.test)
    digest = digest_dataset(judged.corpus, parts, tasks)
    dataset = Dataset(judged.corpus, *parts, tasks, digest)
    leakage = check_leakage(dataset, threshold=config.near_duplicate)
    steps = (count_raw(raw), count_clean(clean), count_dataset(dataset))
    preparation = Preparation(steps, findings, leakage)
    return dataset, describe_data(dataset, raw=raw, config=config, preparation=preparation)
