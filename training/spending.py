"""Spending: at what level the next candidate is judged on a test split that others were judged on.

Each look at the same queries gives chance another try. So the candidates of one account share what
may be left to chance: the k-th is tested at a two-sided level of 2 alpha / (k (k + 1)), which is
alpha for the first. As only rises promote, which are half of what a two-sided test finds, and
1 / (k (k + 1)) sums to 1, all of them together are promoted by chance no more often than alpha,
however alike they are. An attempt that showed a gain passes its level on to the next one (the
online fallback procedure of J. Tian, A. Ramdas, "Online control of the familywise error rate",
Statistical Methods in Medical Research 30(4), 2021), so that who finds gains goes on as at first.

Reads and writes the accounts of the catalog; decides nothing.
"""

import math
from functools import partial
from hashlib import blake2b

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.judging.accounts import JudgedSplit, Spending, SplitAccount
from molt.training.data.dataset import Split
from molt.training.data.digest import digest_split
from molt.training.evaluation.report import ComparisonOutcome, Report, SplitReuse
from molt.training.gate_config import GateConfig


def level_of(attempt: int, former: Spending | None, *, alpha: float) -> float:
    """The two-sided level of an attempt, from 1, after the one before it in the account."""
    own = 2 * alpha / (attempt * (attempt + 1))
    passed_on = former.level if former is not None and former.gained else 0.0
    return min(alpha, own + passed_on)


def spend(  # noqa: PLR0913  each by name
    catalog: Catalog,
    collection: str,
    split: Split,
    *,
    candidate: str,
    baseline: str,
    config: GateConfig,
) -> SplitReuse:
    """Write down that a candidate is judged on a test split, and tell at what level.

    The same comparison spends once. Raises `CollectionNotFoundError`.
    """
    judged = judged_split(split)
    account, spent = catalog.accounts.spend(
        catalog.collections.get(collection),
        judged,
        candidate=candidate,
        baseline=baseline,
        renew_share=config.renew_share,
        level_of=partial(level_of, alpha=config.alpha),
    )
    return SplitReuse(
        spent.account,
        spent.attempt,
        level=spent.level,
        next_level=level_of(len(account.spendings) + 1, None, alpha=config.alpha),
        alpha=config.alpha,
        opened_at=account.opened_at,
        until_new=new_queries_missing(account, judged, renew_share=config.renew_share),
    )


def tell_outcome(catalog: Catalog, report: Report) -> None:
    """Write down what came of an attempt: whether a gain was shown, and in which report.

    Nothing where the report is of none. Raises `CollectionNotFoundError`.
    """
    if report.reuse is not None:
        collection = catalog.collections.get(report.facts.collection)
        gained = report.comparisons[0].outcome is ComparisonOutcome.BETTER
        place = (report.reuse.account, report.reuse.attempt)
        catalog.accounts.tell(collection, *place, gained=gained, report=report.id)


def judged_split(split: Split) -> JudgedSplit:
    """A split as an account knows it: a query is another one where its text is."""
    texts = (query.text.encode("utf-8", "surrogatepass") for query in split.queries.values())
    return JudgedSplit(
        digest_split(split), frozenset(blake2b(text, digest_size=8).digest() for text in texts)
    )


def new_queries_missing(account: SplitAccount, split: JudgedSplit, *, renew_share: float) -> int:
    """How many queries more, all of them new, would open another account."""
    queries = len(split.queries)
    new = queries - account.known(split.queries)
    return max(1, math.ceil((renew_share * queries - new) / (1 - renew_share) - 1e-9))
