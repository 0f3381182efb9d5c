"""Exporting: a checkpoint of a model that was uploaded."""

from typing import Any

from molt.index.jobs.job import MODEL
from molt.training.errors import TrainingError
from molt.worker.child import run_child
from molt.worker.context import Workshop
from molt.worker.events import Teller


def make_of_upload(shop: Workshop, job_id: str, options: dict[str, Any]) -> dict[str, Any]:
    """Export, quantise and prove the model in the job's folder; the id of its checkpoint."""
    model = shop.job_folder(job_id) / MODEL
    if not model.is_dir():
        raise TrainingError("what was uploaded is gone; send it again")
    teller = Teller()
    arguments = ("add", str(model), f"--name={options['name']}", "--home", str(shop.orders.home))
    return run_child(arguments, watch=teller.pass_on, check=teller.check)
