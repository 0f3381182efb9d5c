"""Exporting: a checkpoint of a model that was uploaded."""

from typing import Any

from molt.index.jobs.job import MODEL
from molt.training.errors import TrainingError
from molt.worker.child import run_child
from molt.worker.context import JobContext
from molt.worker.events import JobEvents


def make_of_upload(context: JobContext, job_id: str, options: dict[str, Any]) -> dict[str, Any]:
    """Export, quantise and prove the model in the job's folder; the id of its checkpoint."""
    model = context.job_folder(job_id) / MODEL
    if not model.is_dir():
        raise TrainingError("what was uploaded is gone; send it again")
    events = JobEvents()
    arguments = ("add", str(model), f"--name={options['name']}", "--home", str(context.orders.home))
    return run_child(arguments, watch=events.pass_on, check=events.check)
