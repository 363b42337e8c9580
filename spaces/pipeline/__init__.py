"""From raw files to a model directory: words, pretrain, extract, generate, each a step that can
stand alone.

Each folder below `work_folder` is a step: skipped when nothing it reads has changed, resumed when
it was cut short.

    words        special words: the list written by hand and those mined from the training summaries
    vocabulary   the tokenizer, made from the corpus or that of `pretrain.start`
    tokens       the corpus as token ids, memory-mapped
    pretrain     the generator trained on the corpus, from nothing or from `pretrain.start`
    start        tokenizer and generator with the special words added: where both stages start
    vectors      sentence vectors and oracle labels of the training judgments
    unlabelled   sentence vectors of judgments of the corpus
    labellers    a labeller per fold, one fitted on everything, and probabilities from labellers
                 that have not seen the judgment
    pairs        what the generator learns from: predicted and oracle extracts, and the extracts
                 made by people
    weak         judgments of the corpus with summaries from a template
    adapt        the generator after those
    generator    the generator
    model        all parts together, written to `model_folder`
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from spaces.errors import ConfigError
from spaces.pipeline.generator import GeneratorSteps
from spaces.recipe import load_recipe
from spaces.steps import Step

__all__ = ["COMMANDS", "Plan", "run"]

COMMANDS = ("words", "pretrain", "extract", "generate", "all")


def run(command: str, config: str | Path, overrides: Sequence[str] = ()) -> None:
    """Do one of COMMANDS, and first what it needs, as the config file says.

    Raises ConfigError for a wrong setting, InputError and RecordError for files.
    """
    if command not in COMMANDS:
        raise ConfigError(f"no such training step: {command}; there are {', '.join(COMMANDS)}")
    plan = Plan(load_recipe(config, overrides))
    plan.check_files()
    from transformers import set_seed
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    set_seed(plan.recipe.seed)
    steps: dict[str, Callable[[], Step]] = {
        "words": plan.words,
        "pretrain": plan.pretrain,
        "extract": plan.labellers,
        "generate": plan.model,
        "all": plan.model,
    }
    steps[command]()


class Plan(GeneratorSteps):
    """The steps of one recipe. Each method makes sure that the steps it needs are done, then does
    its own."""
