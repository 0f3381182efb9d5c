"""Distilling from top to bottom: a student of the teacher, and what that costs and brings.

A run is named by all that goes into it, so a killed one goes on where it stopped, and of a finished
one only the measurements are repeated. What comes out is rarely as good as its teacher; nothing
gates it, and nothing that serves is changed.
"""

from dataclasses import dataclass

from molt.artifact import Home
from molt.encoder import Checkpoint, CheckpointStore
from molt.index.catalog.judging.split_name import SplitName
from molt.training.distilling.recipe import Recipe, check_shape
from molt.training.distilling.serving import Served, measure_serving
from molt.training.distilling.student import Student, make_student
from molt.training.evaluation.evaluate import Contenders, evaluate
from molt.training.evaluation.measures import PRIMARY
from molt.training.evaluation.report import EvaluationPlan, Report
from molt.training.evaluation.runs import MakeRun
from molt.training.fit.fitted import RunFolder
from molt.training.fit.progress import EventLog, OnEvent, TrainingEvent, told, unwatched
from molt.training.run_lock import exclusive_run
from molt.training.uses import note_uses


@dataclass(frozen=True)
class DistilOutcome:
    """A student, how it and its teacher are served here, and their report on test.

    There is no report where no query is judged.
    """

    run_id: str
    teacher: Checkpoint
    student: Student
    teacher_served: Served
    served: Served
    report: Report | None

    @property
    def speed(self) -> float:
        """How many times as many texts a second as the teacher."""
        return self.served.texts_per_second / self.teacher_served.texts_per_second

    @property
    def size(self) -> float:
        """How many times as many bytes of graph as the teacher."""
        return self.served.graph_bytes / self.teacher_served.graph_bytes

    @property
    def ndcg10(self) -> tuple[float, float] | None:
        """nDCG@10 on test of the teacher and of the student."""
        if self.report is None or self.report.baseline is None:
            return None
        results = (self.report.baseline, self.report.candidates[0])
        before, after = (result.measures[PRIMARY].mean for result in results)
        return before, after


def distil(
    recipe: Recipe,
    *,
    store: CheckpointStore,
    home: Home,
    make_run: MakeRun,
    on_event: OnEvent = unwatched,
) -> DistilOutcome:
    """Make the student and measure it beside its teacher.

    Raises `FitError` for what cannot be distilled and where another process is at the same run,
    and what export and evaluation raise.
    """
    check_shape(recipe.shape, recipe.teacher)
    with exclusive_run(home.runs / recipe.id):
        return _distil(recipe, store=store, home=home, make_run=make_run, on_event=on_event)


def _distil(
    recipe: Recipe, *, store: CheckpointStore, home: Home, make_run: MakeRun, on_event: OnEvent
) -> DistilOutcome:
    run_folder = RunFolder(home.runs / recipe.id, home.cache)
    note_uses(run_folder.folder, (recipe.teacher.id,))
    log = EventLog(run_folder.folder / "events.jsonl", on_event)
    student = make_student(recipe, store=store, run_folder=run_folder, log=log)
    log(TrainingEvent("evaluation"))
    teacher_served, served = measure_serving(
        [recipe.teacher, student.checkpoint], recipe.reading.texts.documents, cache=home.cache
    )
    report = _report(recipe, student, home=home, make_run=make_run, on_event=on_event)
    return DistilOutcome(recipe.id, recipe.teacher, student, teacher_served, served, report)


def _report(
    recipe: Recipe, student: Student, *, home: Home, make_run: MakeRun, on_event: OnEvent
) -> Report | None:
    judged = recipe.reading.judged
    if judged is None:
        return None
    return evaluate(
        judged.trial(SplitName.TEST),
        contenders=Contenders([student.checkpoint], baseline=recipe.teacher),
        plan=EvaluationPlan(split=SplitName.TEST),
        cache=home.cache,
        make_run=make_run,
        progress=told(on_event),
    )
