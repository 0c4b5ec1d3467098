"""Street scenes painted from primitives: what `trainables.data.street_scenes` renders."""
