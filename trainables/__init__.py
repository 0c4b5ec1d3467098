"""What one trial does: data, models, augmentation and a plain-torch training loop.

Knows nothing of searches, claims or reports; only `trainables.ray_train` knows
Ray.
"""
