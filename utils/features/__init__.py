"""The features part: what the model is given, and whether it is the same in training and in serving."""
