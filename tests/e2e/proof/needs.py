"""What the proof needs of the machine and the cluster, and the word for what is missing."""
import os
import shutil
import subprocess

from . import laboratory

PROGRAMS = ("kubectl", "helm", "curl", "openssl")
KINDS = ("gatewayclasses", "gateways", "httproutes", "backendtlspolicies", "referencegrants")
GATEWAY_API = "https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.6.1/standard-install.yaml"
NGINX = "nginx:stable"


def nginx_image():
    return os.environ.get("NGINX_IMAGE") or (laboratory.NGINX if laboratory.present() else NGINX)


def missing():
    """What is missing, one line each with how to get it; empty if nothing is."""
    absent = [f"{name} is not on the PATH" for name in PROGRAMS if not shutil.which(name)]
    if absent:
        return absent
    version = subprocess.run(["kubectl", "version", "-o", "json", "--request-timeout=10s"], capture_output=True, text=True)
    if version.returncode:
        return [f"no cluster answers (KUBECONFIG is {os.environ.get('KUBECONFIG', 'not set')}): {version.stderr.strip()}"]
    for kind in KINDS:
        name = f"crd/{kind}.gateway.networking.k8s.io"
        if subprocess.run(["kubectl", "get", name], capture_output=True).returncode:
            absent.append(f"the CRDs of the Gateway API are not installed ({name}): kubectl apply --server-side -f {GATEWAY_API}")
            break
    return absent
