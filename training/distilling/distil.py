"""Distilling from top to bottom: a student of the teacher, and what that costs and brings.

A run is named by all that goes into it, so a killed one goes on where it stopped, and of a finished
one only the measurements are repeated. What comes out is rarely as good as its teacher; nothing
gates it, and nothing that serves is changed.
"""

from dataclasses import dataclass

from molt.encoder import Checkpoint, CheckpointStore
from molt.training.data.split_name import SplitName
from molt.training.distilling.recipe import Recipe, check_shape
from molt.training.distilling.serving import Served, measure_serving
from molt.training.distilling.student import Student, make_student
from molt.training.evaluation.evaluate import Contenders, evaluate
from molt.training.evaluation.measures import PRIMARY
from molt.training.evaluation.report import Plan, Report
from molt.training.fit.fitted import Workplace
from molt.training.fit.progress import Event, EventLog, Watch, told, unwatched
from molt.training.run import Places


@dataclass(frozen=True)
class Outcome:
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
    recipe: Recipe, *, store: CheckpointStore, places: Places, watch: Watch = unwatched
) -> Outcome:
    """Make the student and measure it beside its teacher.

    Raises `FitError` for what cannot be distilled, and what export and evaluation raise.
    """
    check_shape(recipe.shape, recipe.teacher)
    workplace = Workplace(places.runs / recipe.id, places.cache)
    workplace.folder.mkdir(parents=True, exist_ok=True)
    log = EventLog(workplace.folder / "events.jsonl", watch)
    student = make_student(recipe, store=store, workplace=workplace, log=log)
    log(Event("evaluation"))
    teacher_served, served = measure_serving(
        [recipe.teacher, student.checkpoint], recipe.reading.texts.documents, cache=places.cache
    )
    report = _report(recipe, student, places=places, watch=watch)
    return Outcome(recipe.id, recipe.teacher, student, teacher_served, served, report)


def _report(recipe: Recipe, student: Student, *, places: Places, watch: Watch) -> Report | None:
    judged = recipe.reading.judged
    if judged is None:
        return None
    return evaluate(
        judged.trial(SplitName.TEST),
        contenders=Contenders([student.checkpoint], baseline=recipe.teacher),
        plan=Plan(split=SplitName.TEST),
        cache=places.cache,
        progress=told(watch),
    )
