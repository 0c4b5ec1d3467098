"""What to search and to confirm, and how it runs on Ray.

From a notebook: `from study.explore import explore`, then `explore("resnet18_aug", trials=8)`.
"""
