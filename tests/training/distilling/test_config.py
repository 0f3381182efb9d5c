import re

from molt.training.config import read_as
from molt.training.distilling.config import DistilConfig, FewerLayers, LearningConfig, Static
from tests.paths import DOCS

ONE = FewerLayers(1)
PAGE = DOCS / "training.md"


def documented() -> dict[str, tuple[str, str]]:
    section = PAGE.read_text().split("### Distilling: `[distil]`")[1].split("\n##")[0]
    rows = re.findall(r"^\| `(\w+)` \| (?:`(.*?)`)? ?\| (.+?) \|$", section, re.MULTILINE)
    return {key: (default, meaning) for key, default, meaning in rows}


def test_every_key_of_distilling_is_documented_with_its_default_and_meaning() -> None:
    fields = LearningConfig.model_fields
    meanings = {key: meaning for key, (_, meaning) in documented().items()}
    assert meanings == {key: field.description for key, field in fields.items()}
    values = [f"distil.{key}={default}" for key, (default, _) in documented().items() if default]
    assert read_as(DistilConfig, None, settings=values) == DistilConfig()


def test_the_trainer_is_told_what_the_configuration_says() -> None:
    config = LearningConfig(epochs=3, batch_size=8, learning_rate=1e-3, seed=5)
    fitting = config.fitting(FewerLayers(2))
    assert (fitting.run.epochs, fitting.run.batch_size, fitting.run.seed) == (3, 8, 5)
    assert fitting.optimiser.learning_rate == 1e-3


def test_a_table_learns_faster_than_layers_and_what_no_text_has_stays_as_it_is() -> None:
    layers, table = (LearningConfig().fitting(shape).optimiser for shape in (ONE, Static(8)))
    assert (layers.learning_rate, table.learning_rate) == (2e-4, 2e-2)
    assert layers.weight_decay > table.weight_decay == 0
