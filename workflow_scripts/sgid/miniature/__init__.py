"""The miniature: a drawn data set and tiny trained models, so that every stage runs anywhere with its real classes."""

PARTS = ("vae", "stable_diffusion", "instruct_pix2pix", "blip", "clip", "t5", "vit", "evaluator")
