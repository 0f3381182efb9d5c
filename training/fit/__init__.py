"""Fitting: from a base checkpoint and a dataset to the weights that rank its dev queries best."""
