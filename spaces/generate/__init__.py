"""The generative stage: tokenizer, prefix-LM backbone, copy mechanism, decoding, training."""
