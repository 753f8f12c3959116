"""Which rules run beside Snakemake where the others are submitted: all that need no GPU.

They take seconds to minutes, some need the internet, and each submission costs a queue's wait. Included last.
"""

workflow.localrules(*(rule.name for rule in workflow.rules if "gpu" not in rule.resources))
