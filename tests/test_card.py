"""Model cards: the hub can read their head, and the figures are those given."""

from __future__ import annotations

import yaml
from huggingface_hub import ModelCard

from spaces.card import TrainingRun, plain_card, training_card


def test_the_hub_reads_the_head() -> None:
    for card in (plain_card(), training_card(TrainingRun(seed=1, licence="cc-by-4.0"))):
        data = ModelCard(card).data
        assert (data.language, data.library_name) == ("zh", "spaces-summarizer")
        assert data.pipeline_tag == "summarization" and "legal" in data.tags
    assert data.license == "cc-by-4.0"
    assert "license" not in yaml.safe_load(plain_card().split("---\n")[1])


def test_scores_have_a_row_per_evaluation_and_the_best_is_named() -> None:
    rows = [
        {"step": 10, "weighted": 0.5, "weighted_judgments": 0.25},
        {"step": 20, "weighted": 0.625},
        {"step": 30, "weighted": 0.5},
    ]
    card = training_card(TrainingRun(seed=1, licence="mit", scores=rows))
    assert "| step | weighted | weighted_judgments |" in card
    assert "| 10 | 0.5000 | 0.2500 |" in card and "| 20 | 0.6250 |  |" in card
    assert "the one of step 20, so they are no test scores" in " ".join(card.split())


def test_what_is_not_there_is_said() -> None:
    card = training_card(TrainingRun(seed=1, licence="mit"))
    assert "None: nothing was held out" in card
    assert "## Limits" in plain_card() and "not recorded" in plain_card()


def test_a_licence_cannot_break_the_head() -> None:
    card = training_card(TrainingRun(seed=1, licence='x"\ntags: [y]'))
    assert yaml.safe_load(card.split("---\n")[1])["license"] == 'x"\ntags: [y]'
