#!/usr/bin/env python3
"""Each fault with a load of requests running, and none lost that need not be. Names of faults select some; without any, all."""
import sys

sys.dont_write_bytecode = True

import argparse

from proof import diagnosis, laboratory, needs
from proof.faults import FAULTS, LAB_ONLY
from proof.report import Failure, chapter, skipped
from proof.stage import Stage


def one(name, stage):
    chapter(name)
    if name in LAB_ONLY and not laboratory.present():
        skipped(f"{name}: only in the lab, since {LAB_ONLY[name]}")
        return True
    try:
        FAULTS[name](stage)
        stage.is_well()
        stage.gateway.rolled_out(stage.replicas)
        return True
    except Failure as failure:
        print(f"\nFAILED {name}: {failure}", flush=True)
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faults", nargs="*", metavar="FAULT", help=", ".join(FAULTS))
    parser.add_argument("--keep", action="store_true", help="leave the stage standing")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.faults if name not in FAULTS]:
        parser.error(f"no fault named {', '.join(unknown)}; there are {', '.join(FAULTS)}")
    if missing := needs.missing():
        sys.exit("\n".join(missing))
    stage = Stage()
    try:
        stage.set()
    except Failure as failure:
        diagnosis.tell()
        sys.exit(f"\nFAILED to set the stage: {failure}")
    failed = []
    for name in arguments.faults or FAULTS:
        if not one(name, stage):
            failed.append(name)
            diagnosis.tell()
    if not arguments.keep:
        chapter("the end")
        stage.strike()
    if failed:
        sys.exit(f"\nFAILED: {', '.join(failed)}")
    print("\nall of it shown")


if __name__ == "__main__":
    main()
