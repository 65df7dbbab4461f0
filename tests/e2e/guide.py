#!/usr/bin/env python3
"""The agentgateway guide "BackendTLS", word for word, in a cluster: installed with Helm as typed there, curl through the load
balancer and through kubectl port-forward, what it promises when trust is missing, cleanup, upgrade and uninstallation."""
import sys

sys.dont_write_bytecode = True

import argparse

from proof import diagnosis, laboratory, needs, release
from proof.guide import life
from proof.guide.inside import Inside
from proof.guide.outside import VALUE, Outside
from proof.report import Failure, chapter, skipped


def guide():
    lab = laboratory.present()
    inside, outside, values = Inside(), Outside(), [VALUE] if lab else []

    chapter("installation")
    if lab:
        outside.roots()
    release.install(*values)
    release.accepted("agentgateway")
    release.tested()
    inside.gateway()

    chapter("a backend inside, with a private certificate")
    inside.nginx()
    inside.trusted()
    inside.port_forwarded()
    inside.another_authority()
    inside.no_authority()
    inside.no_policy()

    chapter("a backend outside, with the roots of the system")
    if lab:
        outside.host()
        outside.reached(inside.address)
        outside.roots_followed(inside.address)
    else:
        skipped("only in the lab, since a fake httpbin.org needs the cluster's DNS")

    chapter("upgrade, cleanup, uninstallation")
    life.upgraded(inside.address, *values)
    life.cleaned(inside)
    if lab:
        outside.struck()
    life.gateway_deleted()
    life.uninstalled()


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    if missing := needs.missing():
        sys.exit("\n".join(missing))
    try:
        guide()
    except Failure as failure:
        diagnosis.tell()
        sys.exit(f"\nFAILED: {failure}")
    print("\nall of it shown")


if __name__ == "__main__":
    main()
