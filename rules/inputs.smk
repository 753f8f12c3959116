"""What rules ask of the matrix: params and input functions. A file of its own, because lint wants no rules beside them."""

from functools import reduce
from operator import getitem

from sgid.found_files import since
from sgid.references import refuse_few


# Params: each is one value of one registry, so that a change reruns only what uses it.
def backbone_entry(name):
    return {key: value for key, value in config["backbones"][name].items() if key not in ("title", "paper_name")}


def dataset_field(field):
    return lambda wildcards: config["datasets"][wildcards.dataset][field]


def recipe_field(field):
    return lambda wildcards: matrix.recipes[wildcards.recipe][field]


def recipe_fields(*fields):
    return lambda wildcards: {field: matrix.recipes[wildcards.recipe][field] for field in fields}


def method_field(field, default):
    return lambda wildcards: config["methods"][wildcards.method].get(field, default)


def training_of(wildcards):
    method = wildcards.get("method")
    settings = training_settings.training_of(config, method)
    drawing = config["methods"][method] if method else {"images": wildcards.recipe}
    # What the build does not name is held to its recipes only here.
    refuse_few("training.per_original", settings.get("per_original") or 1, drawing, config["recipes"])
    return settings


def excluded_by(wildcards):
    return training_settings.reject_lists_of(config, wildcards.get("method"))


# One job trains all seeds of what it trains, or each its own; its log and benchmark have the wildcards of its outputs.
def of_seeds(path, seeds=config["seeds"]):
    return expand(path, seed=seeds, allow_missing=True) if config["training"]["pack_seeds"] else path


def of_job(path):
    return path.replace("seed-{seed}", "seeds") if config["training"]["pack_seeds"] else path


def validation_of(wildcards):
    return training_settings.validation_of(config, wildcards.dataset, wildcards.method)


def figure_field(field):
    return lambda wildcards: matrix.entry(wildcards.figure)[field]


# The cheap rules of analysis list the modules behind them, so that tables and figures follow the code; a test holds it.
def modules(*names):
    return [f"workflow_scripts/sgid/{name}.py" for name in names]


# What the matrix answers for a recipe on a data set, or for a table or figure, as params and input functions.
def of_recipe(answer):
    return lambda wildcards: answer(wildcards.dataset, wildcards.recipe)


def of_entry(answer):
    return lambda wildcards: answer(wildcards.get("table") or wildcards.figure)


def is_miniature(wildcards):
    return matrix.is_miniature(wildcards.dataset)


def is_drawn(wildcards):
    return matrix.is_drawn(wildcards.dataset)


# What the registry of data sets answers, as params and input functions.
def of_dataset(answer, *words):
    return lambda wildcards: answer(wildcards.dataset, *words)


SENTENCE_FILES = {
    "sentences": "results/captions/{dataset}/sentences.yaml",
    "diverse": "config/prompts/diverse_captions.yaml",
    "instructions": "config/prompts/editing_instructions.yaml",
}


def described_images(wildcards):
    return matrix.images_named(wildcards.dataset, wildcards.source)


def caption_heading(wildcards):
    title = dataset_field("title")(wildcards)
    how = {"recipe": caption_reports.recipe, "similarity_mode": config["similarity"]["mode"]}
    return {"dataset": wildcards.dataset, "title": title, "miniature": is_miniature(wildcards)} | how


def page_heading(wildcards):
    title, how = dataset_field("title")(wildcards), recipe_fields("generator", "source", "parts", "captions")(wildcards)
    indexed = (wildcards.dataset, wildcards.recipe) in image_pages.drawn()
    return {"dataset": wildcards.dataset, "recipe": wildcards.recipe, "title": title, "how": how, "indexed": indexed}


def generation_of(wildcards):
    recipe, dataset = matrix.recipes[wildcards.recipe], config["datasets"][wildcards.dataset]
    size = {"resolution": dataset["resolution"], "output_size": dataset["stored"]}
    how = config["generation"] | size | recipe["generation"] | {"generator": recipe["generator"]}
    # No reason to draw other recipes anew.
    return {key: how[key] for key in how if key != "image_guidance" or how["generator"] == "instruct-pix2pix"}


def filter_heading(wildcards):
    entry, title = matrix.recipes[wildcards.recipe], dataset_field("title")(wildcards)
    how = {"filters": entry["filters"], "filter": entry["filter"], "miniature": is_miniature(wildcards)}
    return {"dataset": wildcards.dataset, "recipe": wildcards.recipe, "title": title} | how


def shards_of_set(wildcards):
    return matrix.image_shards(wildcards.dataset, wildcards.recipe, wildcards.noise)


def images_of(wildcards):
    return method_images.sets(wildcards.dataset, wildcards.method)


def choice_of(wildcards):
    return method_images.choice(wildcards.dataset, wildcards.method)


def recipes_of(wildcards):
    return matrix.recipes_of(wildcards.method)


def candidates_of(wildcards):
    return method_images.candidates(wildcards.dataset, wildcards.method)


def archived_files(wildcards):
    if wildcards.archived == "images":
        return [path for pair in image_pages.drawn() for path in matrix.image_sets(*pair)]
    names = config["build"] if wildcards.archived == "build" else [wildcards.archived]
    return [path for name in names for path in (*matrix.targets(name), *filters.reports(name))]


def weights_of(wildcards):
    return matrix.model(config["backbones"][wildcards.backbone].get("weights"))


def paper_numbers(wildcards):
    paper = matrix.entry(wildcards.get("table") or wildcards.figure).get("paper")
    return [f"config/paper/{paper}.csv"] if paper else []


def starred_predictions(wildcards):
    return [run.predictions for run in shown.starred_runs(wildcards.table)]


# What is there of a table's runs, and since when: a run more, or one made anew, makes the partial table anew.
def runs_found(wildcards):
    return since(run.path for run in matrix.runs([wildcards.table]))


def reported(suffix, caption):
    return report(f"results/figures/{{figure}}.{suffix}", category="2 Figures", caption=f"../report/{caption}.rst")


def shown_tables(path):
    return lambda wildcards: expand(path, dataset=matrix.entry(wildcards.figure)["datasets"], figure=wildcards.figure)


def shown_table(path):
    return lambda wildcards: shown_tables(path)(wildcards)[0]


def runs_of_figure(wildcards):
    return [run.path for run in matrix.runs([wildcards.figure])]


def measuring_model(wildcards):
    return matrix.model(matrix.entry(wildcards.figure).get("encoder", "clip"))


def measured_recipe(wildcards):
    return matrix.image_recipe(matrix.entry(wildcards.figure), wildcards.method)


def measured_sets(wildcards):
    return matrix.image_sets(wildcards.dataset, measured_recipe(wildcards))


def measured_choice(wildcards):
    return matrix.choice_among(wildcards.dataset, measured_recipe(wildcards))


# The prompt's whole range: guided by all of it, drawn from text alone, guided by nothing.
JUDGED_RECIPES = ["sgid", "text2img", "sgid_no_prompt"]


def judged_sets(wildcards):
    return [path for recipe in JUDGED_RECIPES for path in matrix.image_sets(wildcards.dataset, recipe)]


# Tiny models that begin where another one ended.
PART_BEFORE = {"stable_diffusion": "vae", "instruct_pix2pix": "stable_diffusion"}


def parts_before(wildcards):
    before = PART_BEFORE.get(wildcards.part)
    return [f"results/miniature/{before}/model.json"] if before else []


# What a human evaluation asks of the matrix, as params and input functions.
def of_evaluation(answer, *fields):
    return lambda wildcards: answer(wildcards.evaluation, *(wildcards[field] for field in fields))


def evaluation_field(*fields):
    return lambda wildcards: reduce(getitem, fields, config["human"][wildcards.evaluation])


# What is refused only when it is asked for, in one sentence.
def refusing(answer, *fields):
    def answered(wildcards):
        try:
            return answer(*(wildcards[field] for field in fields))
        except ConfigError as error:
            raise WorkflowError(str(error)) from None

    return answered


# What has a plan of its own.
PLANNED = [*matrix.names, "augment"]


# What is planned under a name: without a folder of the user's own `augment` is refused, when it is asked for.
def plannable(name):
    return refusing(lambda: image_pages.own() and [name]) if name == "augment" else [name]


# What the site of the build asks of the matrix, whole or from what is there, as params and input functions.
def of_site(answer, *fields, **words):
    return lambda wildcards: answer(sites[wildcards.site], *(wildcards[field] for field in fields), **words)


# What the rules of training ask for by the same names.
of_all_runs = {
    "training": training_of,
    "seed": config["image_seed"],
    "image_size": dataset_field("image_size"),
    "miniature": is_miniature,
}
of_method = {
    "validation": validation_of,
    "images": images_of,
    "choice": choice_of,
    "exclude": excluded_by,
    "weights": weights_of,
}
candidate_seeds = config["selection"]["seeds"]
candidate_weights = matrix.model(config["backbones"][config["selection"]["backbone"]].get("weights"))
# The set that is scored for filters, and the one that a filtered recipe takes its pictures from.
of_scored = {"images": of_recipe(matrix.image_sets), "choice": of_recipe(matrix.choice_among)}
of_filtered = {"images": of_recipe(filters.sets), "choice": of_recipe(filters.choice)}
of_rules = {"clip": of_recipe(filters.clip_scores), "judgements": of_recipe(filters.judgements)}
