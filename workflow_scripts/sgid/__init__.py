"""Semantic-guided generative image augmentation (SGID, AAAI 2024): plain Python, without Snakemake."""
