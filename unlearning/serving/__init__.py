"""The served model: one SavedModel, exported and asked for predictions."""
