"""The extractive stage: oracle labels, sentence vectors, the labeller, and their training."""
