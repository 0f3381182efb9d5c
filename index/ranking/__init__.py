"""The arithmetic of rankings: what several legs say of documents, made into one score."""
