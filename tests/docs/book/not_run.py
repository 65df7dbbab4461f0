"""Commands that pages show and no test runs: the page, how the command begins, and why."""

NOT_RUN = {
    ("install.md", "kubectl apply --server-side -f https://github.com/kubernetes-sigs/gateway-api/"):
        "the lab has no way to GitHub; its cluster has these very CRDs",
    ("install.md", "docker build --build-arg REVISION="):
        "the lab has no Docker",
    ("install.md", "docker push registry.example.com/"):
        "the lab has no registry",
    ("runbooks/PosternTargetDown.md", "kubectl logs --namespace NAMESPACE POD --previous"):
        "only of a container that was started again, and none of ours was",
}
