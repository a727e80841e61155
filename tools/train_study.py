#!/usr/bin/env python3
"""tools/train_study.py TRAINER FOLDER [--recipe FILE] [--text FOLDER] [--seeds S..]: trains what the study `training` compares.

Each arm of trainer/recipe-study.json is its base with the arm's entries merged in; its checkpoint of seed S becomes
FOLDER/ARM/seed-S.safetensors, as many side by side as there are processors. A training that was killed goes on, and one whose
checkpoint has the same recipe is not repeated.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import struct
import subprocess
import sys


def merged(base, entries):
    """base with entries in it, objects entry by entry."""
    if not (isinstance(base, dict) and isinstance(entries, dict)):
        return entries
    return base | {key: merged(base.get(key), value) for key, value in entries.items()}


def recipe_of(checkpoint):
    """The recipe in the metadata of a checkpoint; None where there is no checkpoint."""
    if not checkpoint.exists():
        return None
    with checkpoint.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        return json.loads(json.loads(file.read(size))["__metadata__"]["hallmark.recipe"])


def train(arguments, arm, recipe, seed):
    folder = arguments.folder / arm
    checkpoint = folder / f"seed-{seed}.safetensors"
    if recipe_of(checkpoint) == recipe:
        return f"{arm}, seed {seed}: is there"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "recipe.json"
    file.write_text(json.dumps(recipe, indent=1) + "\n")
    state = folder / f"seed-{seed}.state.safetensors"
    command = [arguments.trainer, "--recipe", file, "--seed", str(seed), "--output", checkpoint, "--state", state, "--resume", "--threads", "1"]
    if arguments.text:
        command += ["--text", arguments.text]
    with (folder / f"seed-{seed}.log").open("a") as log:
        subprocess.run(command, check=True, stdout=log, stderr=subprocess.STDOUT)
    state.unlink(missing_ok=True)
    return f"{arm}, seed {seed}: trained"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trainer")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--recipe", default="trainer/recipe-study.json")
    parser.add_argument("--text")
    parser.add_argument("--seeds", nargs="+", type=int, default=[47, 89, 144])
    arguments = parser.parse_args()
    study = json.loads(pathlib.Path(arguments.recipe).read_text())
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = [pool.submit(train, arguments, arm, merged(study["base"], entries), seed)
                   for seed in arguments.seeds for arm, entries in study["arms"].items()]
        for done in concurrent.futures.as_completed(running):
            print(done.result(), flush=True)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as failure:
        sys.exit(f"train_study: {' '.join(map(str, failure.cmd))} failed; see its log beside the checkpoint")
