"""From a model to a checkpoint: staged, exported, quantised, proven and published whole."""
